// DescribeGroups: state and members of classic groups. A group of the other protocol is as absent here as one that is not
// there: `Dead`, and an error only from version 6 on. The chosen protocol and the members' metadata are told while the group
// is stable, since only then they are facts about all members.
import type { ClassicGroup, ClassicMember } from '../../groups/group.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { DescribeGroupsRequest, DescribeGroupsResponse } from '../../wire/messages/describe-groups.ts'
import { GROUP_OPERATIONS, OPERATIONS_OMITTED } from '../authorized-operations.ts'
import type { BrokerContext, Call } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { eachGroup, fromBase64, isGroupId } from './group-requests.ts'

/** From this version on a group that is not there is an error. */
const NOT_FOUND_FROM = 6
const NOTHING = new Uint8Array(0)

type Described = DescribeGroupsResponse['groups'][number]

export async function handleDescribeGroups(
  context: BrokerContext,
  { groups, includeAuthorizedOperations }: DescribeGroupsRequest,
  { apiVersion }: Call,
): Promise<DescribeGroupsResponse> {
  const described = await eachGroup(groups, {
    id: (groupId) => groupId,
    answer: (groupId) => describe(context, groupId, apiVersion),
    sizeBytes: sizeOf,
    refuse: (groupId) => failed(groupId, ErrorCode.INVALID_REQUEST, 'Too much for one answer; ask about fewer groups.'),
  })
  const authorizedOperations = includeAuthorizedOperations ? GROUP_OPERATIONS : OPERATIONS_OMITTED
  return {
    throttleTimeMs: 0,
    groups: described.map((group) => (group.errorCode === ErrorCode.NONE ? { ...group, authorizedOperations } : group)),
  }
}

export function describeGroupsError({ groups }: DescribeGroupsRequest, errorCode: number): DescribeGroupsResponse {
  return { throttleTimeMs: 0, groups: groups.map((groupId) => failed(groupId, errorCode, null)) }
}

async function describe({ groups }: BrokerContext, groupId: string, apiVersion: number): Promise<Described> {
  // Offsets may have been kept without a group id, so the empty one may be described.
  if (!isGroupId(groupId, 'mayBeEmpty')) {
    const { errorCode, errorMessage } = groupFailure({ kind: 'invalidGroupId' }, 'describeGroup')
    return failed(groupId, errorCode, errorMessage)
  }
  const outcome = await groups.describe(groupId)
  switch (outcome.kind) {
    case 'found':
      if (outcome.group.kind !== 'classic')
        return absent(groupId, `Group ${groupId} is not a classic group.`, apiVersion)
      return describeClassic(outcome.group, outcome.state)
    case 'offsetsOnly':
      return { ...failed(groupId, ErrorCode.NONE, null), groupState: 'Empty' }
    case 'missing':
      return absent(groupId, `Group ${groupId} not found.`, apiVersion)
    default: {
      const { errorCode, errorMessage } = groupFailure(outcome, 'describeGroup')
      return failed(groupId, errorCode, errorMessage)
    }
  }
}

function describeClassic(group: ClassicGroup, groupState: string): Described {
  const protocol = group.phase === 'stable' ? group.protocol : undefined
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.id,
    groupState,
    protocolType: group.protocolType ?? '',
    protocolData: protocol ?? '',
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId ?? null,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: protocol === undefined ? NOTHING : metadataOf(member, protocol),
      memberAssignment: fromBase64(member.assignment),
    })),
  }
}

function metadataOf({ protocols }: ClassicMember, protocol: string): Uint8Array {
  return fromBase64(protocols.find(({ name }) => name === protocol)?.metadata ?? '')
}

function absent(groupId: string, errorMessage: string, apiVersion: number): Described {
  const told =
    apiVersion >= NOT_FOUND_FROM
      ? failed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, errorMessage)
      : failed(groupId, ErrorCode.NONE, null)
  return { ...told, groupState: 'Dead' }
}

function failed(groupId: string, errorCode: number, errorMessage: string | null): Described {
  return { errorCode, errorMessage, groupId, groupState: '', protocolType: '', protocolData: '', members: [] }
}

const MEMBER_BYTES = 256

function sizeOf({ members }: Described): number {
  return members.reduce(
    (sum, { memberMetadata, memberAssignment }) => sum + MEMBER_BYTES + memberMetadata.length + memberAssignment.length,
    0,
  )
}
