// Reads of the head are shared: whoever asks while one is under way is served by the next, together with all others who
// come in the meantime. That one began after each of them asked, which is what makes its answer a fact about now.

/** `read`, shared: each call is served by a read that begins after it, and at most one is under way. */
export function shareReads<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  let nextReading: Promise<T> | undefined
  function shared(): Promise<T> {
    if (reading === undefined) {
      reading = read().finally(() => {
        reading = undefined
      })
      return reading
    }
    nextReading ??= reading.then(() => {
      nextReading = undefined
      return shared()
    })
    return nextReading
  }
  return shared
}
