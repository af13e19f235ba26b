// `GET /health`: whether this gateway serves, in a form for load balancers (the status code) and for people (the body).
import type { Members } from '../broker/broker.ts'
import type { LogStatus } from '../log/log.ts'
import { type HttpResponse, json } from './responses.ts'

/** 200 while this process serves, 503 once it met something it must not ignore (a newer journal, a restored one). */
export function health(status: LogStatus, members: Members, version: string): HttpResponse {
  return json(status.halted ? 503 : 200, {
    status: status.halted ? 'halted' : 'ok',
    version,
    clusterId: members.clusterId,
    nodeId: members.self,
    gateways: members.nodes().length,
    generation: status.generation,
    headAgeMs: Math.round(status.headAgeMs),
    topics: status.topics,
    partitions: status.partitions,
  })
}
