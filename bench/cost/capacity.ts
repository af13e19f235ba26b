// What a request of DynamoDB consumes, by AWS's rules: an item is the bytes of its names and values, a write costs the whole
// item per KB (the larger of before and after, also when its condition failed), a strongly consistent read costs one unit
// for each 4 KB, and nothing costs less than one unit.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

/** A value as DynamoDB's JSON has it. */
export type Attribute = Readonly<Record<string, unknown>>
export type Item = Readonly<Record<string, Attribute>>

const NESTED_BYTES = 3
const ELEMENT_BYTES = 1

export function itemBytes(item: Item): number {
  let bytes = 0
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + attributeBytes(value)
  return bytes
}

export function attributeBytes(attribute: Attribute): number {
  const [type, value] = Object.entries(attribute)[0] ?? []
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(value))
    case 'B':
      return Buffer.from(String(value), 'base64').length
    case 'N':
      return numberBytes(String(value))
    case 'BOOL':
    case 'NULL':
      return 1
    case 'L': {
      const elements = value as readonly Attribute[]
      return elements.reduce((sum, element) => sum + ELEMENT_BYTES + attributeBytes(element), NESTED_BYTES)
    }
    case 'M': {
      const map = value as Item
      return NESTED_BYTES + Object.keys(map).length * ELEMENT_BYTES + itemBytes(map)
    }
    default:
      throw new Error(`No rule says how long an attribute of type ${type} is.`)
  }
}

/** One byte, and one for two significant digits. */
function numberBytes(text: string): number {
  const digits = text.replace(/[^0-9]/g, '').replace(/^0+|0+$/g, '').length
  return 1 + Math.ceil(Math.max(1, digits) / 2)
}

export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024))
/** Strongly consistent. */
export const readUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 4096))
