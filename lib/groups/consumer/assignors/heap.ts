// A binary heap: who comes first of many, again and again. What ranks an element must not change while it is in the heap; who
// changes is pushed again, and the caller knows the outdated element when it comes out.

export interface Heap<T> {
  push(element: T): void
  pop(): T | undefined
}

/** `isBefore(a, b)`: `a` comes out before `b`. */
export function createHeap<T>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  const elements: T[] = []
  return {
    push(element) {
      let at = elements.length
      while (at > 0) {
        const above = (at - 1) >> 1
        if (!isBefore(element, elements[above]!)) break
        elements[at] = elements[above]!
        at = above
      }
      elements[at] = element
    },
    pop() {
      const first = elements[0]
      const last = elements.pop()
      if (last === undefined || elements.length === 0) return first
      let at = 0
      for (;;) {
        let below = 2 * at + 1
        if (below >= elements.length) break
        if (below + 1 < elements.length && isBefore(elements[below + 1]!, elements[below]!)) below++
        if (!isBefore(elements[below]!, last)) break
        elements[at] = elements[below]!
        at = below
      }
      elements[at] = last
      return first
    },
  }
}
