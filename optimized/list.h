// An intrusive doubly linked list: membership costs no allocation, and its order is the order of insertion, so that
// nothing depends on addresses.
#pragma once

namespace lockstep::optimized {

template <typename T>
struct Link {
  T* previous = nullptr;
  T* next = nullptr;
};

template <typename T, Link<T> T::*kLink>
class List {
 public:
  bool empty() const { return first_ == nullptr; }
  T* first() const { return first_; }
  static T* next(const T& item) { return (item.*kLink).next; }

  void add(T& item) {
    (item.*kLink) = {last_, nullptr};
    (last_ != nullptr ? (last_->*kLink).next : first_) = &item;
    last_ = &item;
  }

  void remove(T& item) {
    Link<T>& link = item.*kLink;
    (link.previous != nullptr ? (link.previous->*kLink).next : first_) = link.next;
    (link.next != nullptr ? (link.next->*kLink).previous : last_) = link.previous;
    link = {};
  }

  void clear() { first_ = last_ = nullptr; }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace lockstep::optimized
