import { expect, it } from 'vitest';
import { laneLines } from '../../src/cli/stop-lines.ts';
import type { StopView } from '../../src/contract/http/stops.ts';

type Lane = StopView['lanes'][number];

const at = '2026-11-20T00:00:00.000Z';
const laneOf = (agentId: string): Lane => ({
  obligationId: 'o',
  agentId,
  taskId: 't',
  grantId: 'g',
  connector: 'ledger-db',
  target: `role of ${agentId.slice(0, 4)}`,
  state: 'open',
  final: false,
  evidence: null,
  phase: 'fence',
  attempts: 1,
  lastError: null,
  nextTryAt: null,
  needsHuman: null,
  residual: null,
  acceptedBy: null,
  openedAt: at,
  revokedAt: null,
  provedAt: null,
  finalAt: null,
  revokedAfterMs: null,
  provedAfterMs: null,
  workflow: { workflowId: '', namespace: '', url: null },
});
const tableOf = (agents: readonly string[], drawnWidth?: number): string => {
  const lanes = agents.map(laneOf);
  const stop = { lanes, obligations: { total: lanes.length } } as unknown as StopView; // nothing else of a stop is looked at
  return laneLines(stop, Date.parse(at), 200, drawnWidth).join('\n');
};

it('where a stop covers several agents, each system says whose credential it was', () => {
  expect(tableOf(['billing-bot', 'reminder-bot'])).toMatch(/AGENT[^]*billing-bot[^]*reminder-bot/);
  expect(tableOf(['billing-bot', 'billing-bot'])).not.toMatch(/AGENT|billing-bot/);
  // Drawn again and again, it leaves the room to what is wrong there.
  expect(tableOf(['billing-bot', 'reminder-bot'], 200)).not.toContain('AGENT');
});
