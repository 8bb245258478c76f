import { describe, expect, it } from 'vitest';
import { connectorSystems } from '../../src/connectors/index.ts';
import { unlessMissing } from '../kit/requires.ts';
import { contractSuite } from './contract-suite.ts';
import { allRigs } from './rigs.ts';

it('every system of the registry is tested here', () => {
  expect([...new Set(allRigs.map((rig) => rig.system))].toSorted()).toEqual(
    connectorSystems.map(({ system }) => system).toSorted(),
  );
});

it.each(connectorSystems.map((system) => [system.system, system] as const))(
  '%s says as data how many attempts at once it bears, and for how long',
  (_name, system) => {
    expect(system.concurrency).toBeGreaterThan(0);
    expect(system.attemptMs).toBeGreaterThan(0);
    expect(system.settleMs).toBeGreaterThanOrEqual(0);
    expect(system.phases.length).toBeGreaterThan(0);
  },
);

// They wait for their servers far more than they compute: all systems at once, the tests of each one after the other.
for (const rig of allRigs)
  describe.concurrent(`${rig.system} on ${rig.server}`, () =>
    unlessMissing(rig.missing)('keeps the contract', () => contractSuite(rig)));
