// Eyes on the documents of groups: the sweep drops a group that nobody is in and that has nothing committed, without any
// client asking for it, and a group of that name begins anew afterwards. Only a document without members counts: were a group
// dropped under its members, they would be told of generations that went back.
import { hasMembers } from '../../lib/groups/decide.ts'
import { decodeGroup, GROUPS } from '../../lib/groups/group-document.ts'
import type { DocumentStore } from '../../lib/storage/ports.ts'
import type { GroupRemoval } from './group-history.ts'
import type { History } from './history.ts'

/** The same documents; removals of groups without members are put into the history. */
export function watchGroups(documents: DocumentStore, history: History): DocumentStore {
  return {
    ...documents,
    async delete(key, expected) {
      const invoked = history.tick()
      const found = key.startsWith(`${GROUPS}/`) ? await documents.get(key) : undefined
      const outcome = await documents.delete(key, expected)
      if (found?.kind !== 'found' || outcome.kind !== 'applied') return outcome
      const group = decodeGroup(found.document.body)
      if (hasMembers(group)) return outcome
      const removal = { group: group.id, client: 'store', what: 'state', invoked, outcome: 'ok' } as const
      history.add<GroupRemoval>({ kind: 'groupRemoval', ...removal, completed: history.tick() })
      return outcome
    },
  }
}
