// ListGroups: every group with its state and type, or those in the states (version 4 and later) and of the types (version 5)
// that are asked for, however they are capitalised. All gateways know all groups, so a client that asks each of them, as
// Java's does, is told the same by each and forgets the repeats.
import { ErrorCode } from '../../wire/errors.ts'
import type { ListGroupsRequest, ListGroupsResponse } from '../../wire/messages/list-groups.ts'
import type { BrokerContext } from '../context.ts'
import { groupFailure } from '../outcomes.ts'

export async function handleListGroups(
  { groups }: BrokerContext,
  { statesFilter, typesFilter }: ListGroupsRequest,
): Promise<ListGroupsResponse> {
  const outcome = await groups.list()
  if (outcome.kind !== 'found') return listGroupsError(groupFailure(outcome, 'describeGroup').errorCode)
  const states = wordsOf(statesFilter)
  const types = wordsOf(typesFilter)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    groups: outcome.groups
      .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
      .filter(({ type }) => types.size === 0 || types.has(type))
      .map(({ id, protocolType, state, type }) => ({ groupId: id, protocolType, groupState: state, groupType: type })),
  }
}

const wordsOf = (filter: readonly string[]): ReadonlySet<string> =>
  new Set(filter.map((word) => word.trim().toLowerCase()))

export function listGroupsError(errorCode: number): ListGroupsResponse {
  return { throttleTimeMs: 0, errorCode, groups: [] }
}
