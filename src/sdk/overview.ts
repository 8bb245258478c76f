import type { AgentView } from '../contract/http/agent-view.ts';
import type { AuditPage } from '../contract/http/audit.ts';
import type { ConnectorPage, DrillAsked } from '../contract/http/connectors.ts';
import type { Running } from '../contract/http/running.ts';
import type { StopTimeline } from '../contract/http/stop-notes.ts';
import type { StopView } from '../contract/http/stops.ts';
import { pathSegment } from './path-segment.ts';
import type { Transport } from './transport.ts';

export interface AuditFilter {
  /** How its kind begins. */
  readonly kind?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

/** What an operator looks at: the same that the console's pages are made of. */
export interface Overview {
  /** What runs, those first that a person should look at. */
  running(query?: { readonly search?: string; readonly label?: string; readonly limit?: number }): Promise<Running>;
  /** One agent with all that it can reach. */
  agent(agentId: string): Promise<AgentView>;
  /** Whether each system could be cut off now. */
  connectors(): Promise<ConnectorPage>;
  /** Has it issue a credential, cut it off and prove it dead; `lastDrill` of `connectors()` says what came of it. */
  drill(connectorId: string): Promise<DrillAsked>;
  audit(filter?: AuditFilter): Promise<AuditPage>;
  /** What happened under a stop, and what was said about it. */
  timeline(stopId: string): Promise<StopTimeline>;
  note(stopId: string, text: string): Promise<StopView>;
}

export function createOverview(call: Transport, baseUrl: string): Overview {
  const get = <Answer>(path: string, query: Readonly<Record<string, string | number | undefined>> = {}) =>
    call<Answer>({ method: 'GET', baseUrl, path, query });
  return {
    running: (query = {}) => get('/v1/running', query),
    agent: (agentId) => get(`/v1/agents/${pathSegment(agentId)}`),
    connectors: () => get('/v1/connectors'),
    drill: (connectorId) =>
      call({ method: 'POST', baseUrl, path: `/v1/connectors/${pathSegment(connectorId)}:drill`, body: {} }),
    audit: (filter = {}) => get('/v1/audit', { ...filter }),
    timeline: (stopId) => get(`/v1/stops/${pathSegment(stopId)}/timeline`),
    note: (stopId, text) =>
      call({ method: 'POST', baseUrl, path: `/v1/stops/${pathSegment(stopId)}:note`, body: { text } }),
  };
}
