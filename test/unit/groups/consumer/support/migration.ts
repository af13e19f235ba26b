// Groups on their way between the protocols, and what classic members say to a consumer group.
import { expect } from 'vitest'
import { stateName } from '../../../../../lib/groups/consumer/state-name.ts'
import type { Joined, JoinRequest } from '../../../../../lib/groups/requests.ts'
import { decodeAssignment, encodeAssignment } from '../../../../../lib/wire/consumer-protocol.ts'
import { createScene, type Scene } from './scene.ts'

export type Named = Readonly<Record<string, readonly number[]>>

export function embeddedAssignment(partitions: Named, userData: Uint8Array | null = null): string {
  const assignedPartitions = Object.entries(partitions).map(([topic, numbers]) => ({ topic, partitions: numbers }))
  return Buffer.from(encodeAssignment(1, { assignedPartitions, userData })).toString('base64')
}

export function assignmentIn(base64: string): Named {
  const { assignedPartitions } = decodeAssignment(Buffer.from(base64, 'base64'))!
  return Object.fromEntries(assignedPartitions.map(({ topic, partitions }) => [topic, partitions]))
}

export function joined(scene: Scene, said: Parameters<Scene['join']>[0] = {}): Joined {
  const answer = scene.join(said)
  if (answer.kind !== 'joined') throw new Error(`the join was answered ${answer.kind}`)
  return answer
}

/** A stable classic group of one member with all four partitions of `orders`. */
export function classicGroup(said: Partial<JoinRequest> = {}): { readonly scene: Scene; readonly old: string } {
  const scene = createScene()
  scene.topic('orders', 4)
  const { memberId, generation } = joined(scene, said)
  const assignments = [{ memberId, assignment: embeddedAssignment({ orders: [0, 1, 2, 3] }) }]
  const { instanceId } = said
  expect(scene.sync(memberId, generation, { assignments, instanceId })).toMatchObject({ kind: 'synced' })
  return { scene, old: memberId }
}

/** The classic member has joined the consumer group and owns half of the partitions; `a` has the others. */
export function mixedGroup(): { readonly scene: Scene; readonly old: string } {
  const { scene, old } = classicGroup()
  scene.enter('a')
  joined(scene, { memberId: old, owned: { orders: [0, 1, 2, 3] } })
  scene.sync(old, 1)
  const { assigned } = scene.member(old)
  joined(scene, { memberId: old, owned: { orders: assigned[0]!.partitions } })
  scene.sync(old, 2)
  scene.beat('a', 2)
  expect(stateName(scene.consumer)).toBe('Stable')
  return { scene, old }
}
