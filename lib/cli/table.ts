// A table for people: columns as wide as they need to be, numbers to the right. A dash stands for a number that there is not.

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const numeric = header.map((_, column) => {
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '-')
    return cells.length > 0 && cells.every((cell) => /^-?\d+$/.test(cell))
  })
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, column) => {
      return numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
    })
    return `${padded.join('  ').trimEnd()}\n`
  }
  return [header, ...rows].map(line).join('')
}
