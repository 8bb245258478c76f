import type { Guard } from '../guard.ts';

/** Lanes that somebody comes late to, and lanes of which people hear late. */
export const lateLaneGuards: readonly Guard[] = [
  {
    id: 'stop/stuck-child-gone-on',
    file: 'src/workers/relay/end-stuck.ts',
    protects: 'lanes are taken on also from a workflow that nobody can run since it went on as a new run',
    attacks: ['A2'],
    find: 'await endIfStuck(child.workflowId);',
    put: `if ((await client.workflow.getHandle(child.workflowId, child.runId ?? undefined).describe()).status.name === 'RUNNING')
              await endIfStuck(child.workflowId);`,
    tests: { file: 'test/revocation/stuck.test.ts', title: 'is begun anew, and so is one that waits for such a child' },
  },
];
