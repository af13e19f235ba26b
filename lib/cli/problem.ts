// Something the person at the terminal can put right: printed as its one sentence, without a stack, exit code 1.
export class Problem extends Error {
  override name = 'Problem'
}
