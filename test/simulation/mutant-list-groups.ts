// The mutants of what consumer groups rest on, in the form of `mutant-list.ts`. That a document from before a deletion counts as
// missing is held by `test/unit/groups`: two thousand plain seeds do not come to it any more, since versions are drawn.
import type { Mutant } from './mutant-list.ts'

const ROOM = 'lib/groups/room.ts'
const COMMITS = 'lib/groups/commits.ts'

export const groupMutants: readonly Mutant[] = [
  {
    name: 'commit-without-its-fence',
    sentence: 'a commit carries the fence that was read before its member was checked',
    edits: [
      {
        file: COMMITS,
        search: '    const nowMs = clock.now()\n',
        replace: '    await log.refresh()\n    fence = offsets.fence(groupId)\n    const nowMs = clock.now()\n',
      },
    ],
    seeds: 30,
  },
  {
    name: 'fence-after-the-answers',
    sentence: "the group's document with its raised fence, the fence in the journal, and only then the answers",
    edits: [
      {
        file: ROOM,
        search: 'const failed = await fenceFirst(decisions, origin)',
        replace: 'const failed = (await fenceFirst({ ...decisions, answers: [] }, origin)) as Unserved | undefined',
      },
    ],
    seeds: 300,
  },
  {
    name: 'generation-without-a-fence',
    sentence: 'the fence rises with each new classic generation',
    edits: [
      {
        file: 'lib/groups/classic/complete-rebalance.ts',
        search: 'fence: group.fence + 1,\n    protocol: chooseProtocol(rest.members),',
        replace: 'fence: group.fence,\n    protocol: chooseProtocol(rest.members),',
      },
    ],
    seeds: 300,
  },
  {
    name: 'gain-without-a-fence',
    sentence: 'the fence rises in the very step in which a member gains partitions',
    edits: [
      {
        file: 'lib/groups/consumer/settle.ts',
        search: 'gains && !isCovered ? { ...moved, fence: moved.fence + 1 } : moved',
        replace: 'gains && !isCovered ? moved : moved',
      },
    ],
    seeds: 150,
  },
  {
    name: 'replacement-without-a-fence',
    sentence: 'the fence rises when a static member is replaced',
    edits: [
      {
        file: 'lib/groups/classic/members.ts',
        search: '    fence: group.fence + 1,\n',
        replace: '',
      },
    ],
    seeds: 300,
  },
  {
    name: 'put-without-comparing',
    sentence: 'a change counts when its compare-and-set was applied, and what lost the race is decided again',
    edits: [
      {
        file: ROOM,
        search: 'await documents.put(key, body, from.version, version)',
        replace:
          "await documents.get(key).then((now) => documents.put(key, body, now.kind === 'found' ? now.document.version : 0, version))",
      },
    ],
    seeds: 50,
  },
  {
    name: 'nobody-is-overdue',
    sentence: 'an overdue member is removed by the next request of anybody',
    edits: [
      {
        file: 'lib/groups/consumer/tick.ts',
        search: 'memberDeadlineMs(member, context) <= context.nowMs',
        replace: 'memberDeadlineMs(member, context) <= 0',
      },
    ],
    seeds: 20,
  },
  {
    name: 'older-fences-are-folded',
    sentence: 'the fold rejects a commit of an older fence',
    edits: [
      {
        file: 'lib/journal/entries/offsets-committed.ts',
        search:
          "if (known !== undefined && entry.fence < known.fence) return { kind: 'fencedOut', fence: known.fence }",
        replace: '',
      },
    ],
    seeds: 300,
  },
  {
    name: 'overtaken-commits-are-folded',
    sentence: 'the fold refuses a commit that was overtaken by a later one',
    edits: [
      {
        file: 'lib/journal/state/group-page.ts',
        search:
          "if (stored !== undefined && comparePositions(stored.position, readTo) >= 0) return { kind: 'overtaken' }",
        replace: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'commits-whenever-they-come',
    sentence: 'over HTTPS a commit carries how far its client had been told to be, and what came since overtakes it',
    edits: [
      {
        file: COMMITS,
        search: 'const since = told ?? offsets.position()',
        replace: 'const since = offsets.position()',
      },
    ],
    seeds: 40,
  },
  {
    name: 'commits-as-of-when-they-are-looked-at',
    sentence: 'what was committed since the request came, as far as its process knew the journal then, overtakes it',
    edits: [
      {
        file: COMMITS,
        search: 'const since = told ?? offsets.position()',
        replace: 'const since = told ?? { generation: 2 ** 50, index: 0 }',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'pages-of-groups-differ',
    sentence: 'every replica that has applied an entry has the same state: pages of groups, too',
    edits: [
      {
        file: 'lib/journal/state/group-page.ts',
        search: 'topic.set(partition, { offset, leaderEpoch, metadata, committedMs, position })\n    if',
        replace:
          'globalThis.mutantCount = (globalThis.mutantCount ?? 0) + 1\n    topic.set(partition, { offset, leaderEpoch, metadata, committedMs: committedMs + globalThis.mutantCount, position })\n    if',
      },
    ],
    seeds: 20,
  },
  {
    name: 'made-anew-under-old-versions',
    sentence: 'a document that is made anew begins with a version that none before it had',
    edits: [
      {
        file: ROOM,
        search: 'from.version === 0 ? randomOnce(random) : from.version + 1',
        replace: 'from.version + 1',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'made-anew-below-the-fence',
    sentence: "a group made anew starts above the journal's fence",
    edits: [
      {
        file: 'lib/groups/classic/members.ts',
        search: 'fence: context.foldedFence + 1,',
        replace: 'fence: 1,',
      },
      {
        file: 'lib/groups/consumer/convert.ts',
        search: 'fence: Math.max(context.foldedFence, before?.fence ?? 0) + 1,',
        replace: 'fence: (before?.fence ?? 0) + 1,',
      },
      {
        file: ROOM,
        search: 'foldedFence === 0 ? group : { ...group, fence: group.fence + GROUP_FENCE_DISTANCE }',
        replace: 'foldedFence < 0 ? undefined : group',
      },
    ],
    seeds: 100,
  },
  {
    name: 'given-before-it-is-free',
    sentence: 'a partition is given to a member only while no other has it or has not given it up yet',
    edits: [
      {
        file: 'lib/groups/consumer/reconcile.ts',
        search: 'isEmpty(missing) ? NONE : minus(missing, heldByOthers(group, member))',
        replace: 'isEmpty(missing) ? NONE : missing',
      },
    ],
    seeds: 50,
  },
  {
    name: 'repeated-joins-are-new',
    sentence: 'a join is known by its token and changes nothing twice',
    edits: [
      {
        file: 'lib/groups/classic/join.ts',
        search: 'const known = group && memberOfJoin(group, request)',
        replace: 'const known = group && undefined',
      },
    ],
    seeds: 20,
  },
  {
    name: 'group-view-of-any-age',
    sentence: 'an answer without a change is proven by a read begun after its request came',
    edits: [
      {
        file: ROOM,
        search: 'if (!isFresh(found) && decisions.each.some(',
        replace: 'if (false && decisions.each.some(',
      },
    ],
    seeds: 400,
  },
  {
    name: 'answers-before-the-document',
    sentence: 'a process answers only after it wrote the document',
    edits: [
      {
        file: ROOM,
        search: "if (!isWritten) return 'again'",
        replace: '',
      },
    ],
    seeds: 50,
  },
  {
    name: 'deletion-without-a-fence',
    sentence: 'the fence rises when a group is deleted',
    edits: [
      {
        file: 'lib/groups/removal.ts',
        search: "return { group: { ...group, fence }, answer: { kind: 'closed', fence } }",
        replace: "return { group, answer: { kind: 'closed', fence: group.fence } }",
      },
    ],
    seeds: 1000,
  },
]
