import { describe, expect, it } from 'vitest';
import { workflowTypes } from '../../src/contract/names.ts';
import { type Family, families, migrationFaults, registryFaults, workflowFaults } from './registries.ts';
import { isCode, listFiles, planted, readFiles } from './source-tree.ts';

const src = readFiles(['src'], isCode);
const connectors = families[0] as Family; // the first line of the table

describe('registries', () => {
  it.each(families)('$folder and $registry hold the same members', (family) => {
    expect(registryFaults(family, src)).toEqual([]);
  });

  it('migrations are numbered without a gap', () => {
    expect(migrationFaults(listFiles('src/store/migrations'))).toEqual([]);
  });

  it('the workflow bundles export every workflow type of the contract and nothing else', () => {
    expect(workflowFaults(Object.values(workflowTypes), src)).toEqual([]);
  });

  it('a connector without a line, and a line without a connector, are caught', () => {
    const index = planted(
      'src/connectors/index.ts',
      `import { kit } from './kit/contract.ts';\nimport { nats } from './nats/nats.ts';`,
    );
    const files = [index, planted('src/connectors/oauth/oauth.ts', ''), planted('src/connectors/kit/contract.ts', '')];
    expect(registryFaults(connectors, files)).toEqual([
      'src/connectors/oauth has no line in src/connectors/index.ts',
      'src/connectors/index.ts names nats, which is not on disk',
    ]);
  });

  it('a registry that imports only the type of a member does not register it', () => {
    const index = planted('src/connectors/index.ts', `import type { O } from './oauth/oauth.ts';`);
    expect(registryFaults(connectors, [index, planted('src/connectors/oauth/oauth.ts', '')])).toHaveLength(1);
  });

  it('a family whose registry is missing is caught; an empty one is not', () => {
    expect(registryFaults(connectors, [planted('src/connectors/oauth/oauth.ts', '')])).toHaveLength(1);
    expect(registryFaults(connectors, [])).toEqual([]);
  });

  it('a gap, a double and an odd name among migrations are caught', () => {
    const at = (...names: string[]): readonly string[] => names.map((name) => `src/store/migrations/${name}`);
    expect(migrationFaults(at('0001-a.sql', '0003-b.sql'))).toHaveLength(1);
    expect(migrationFaults(at('0001-a.sql', '0001-b.sql'))).toHaveLength(1);
    expect(migrationFaults(at('0001-a.sql', '0002_B.sql'))).toHaveLength(1);
    expect(migrationFaults(at('0001-a.sql', '0002-b.sql'))).toEqual([]);
  });

  it('a workflow type that nobody exports, an export that is none, and a double are caught', () => {
    const agents = planted(
      'src/workflows/agents.ts',
      `export { agentTask } from './agent-task.ts';\nexport { oldDrill } from './drill.ts';`,
    );
    const control = planted('src/workflows/control.ts', `export { agentTask } from './agent-task.ts';`);
    expect(workflowFaults(['agentTask', 'revocation'], [agents])).toHaveLength(2);
    expect(
      workflowFaults(
        ['agentTask'],
        [planted('src/workflows/agents.ts', `export { agentTask } from './a.ts';`), control],
      ),
    ).toHaveLength(1);
  });
});
