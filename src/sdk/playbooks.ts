import type { PlaybookPage, PlaybookTest, ProceedResult } from '../contract/http/playbooks.ts';
import type { WaitingPhase } from '../core/playbook.ts';
import { pathSegment } from './path-segment.ts';
import type { Transport } from './transport.ts';

export interface Playbooks {
  list(): Promise<PlaybookPage>;
  /** Which one a stop would follow now; changes nothing. */
  test(scopeKey: string, options?: { readonly trigger?: string }): Promise<PlaybookTest>;
  /** Lets a phase of a stop run that its playbook makes wait. */
  proceed(stopId: string, phase: WaitingPhase, options: { readonly reason: string }): Promise<ProceedResult>;
}

export function createPlaybooks(call: Transport, baseUrl: string): Playbooks {
  return {
    list: () => call({ method: 'GET', baseUrl, path: '/v1/playbooks' }),
    test: (scopeKey, { trigger } = {}) =>
      call({
        method: 'POST',
        baseUrl,
        path: '/v1/playbooks:test',
        isRepeated: true,
        body: { scopeKey, ...(trigger === undefined ? {} : { trigger }) },
      }),
    proceed: (stopId, phase, { reason }) =>
      call({ method: 'POST', baseUrl, path: `/v1/stops/${pathSegment(stopId)}:proceed`, body: { phase, reason } }),
  };
}
