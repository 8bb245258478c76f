import { beforeAll, expect, it } from 'vitest';
import { requires } from '../kit/requires.ts';
import { stop } from '../store/ledger.ts';
import { type CliRig, makeCliRig } from './rig.ts';

requires('temporal')('what an operator looks at in a terminal', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });

  it('what runs is listed and searched', async () => {
    expect((await rig.run(['task', 'start', 'billing-bot', 'x'])).code).toBe(0);
    const shown = await rig.run(['now', '--search', 'billing']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/1 agents running[\s\S]*billing-bot +1 /);
    expect(JSON.parse((await rig.run(['now', '--json'])).stdout)).toMatchObject({
      agents: 1,
      items: [{ agentId: 'billing-bot' }],
    });
  });

  it('a stop gets its reason afterwards, and the audit has both', async () => {
    const { stopId } = await stop(rig.ledger, 'agent:mail-bot');
    expect(await rig.run(['note', stopId, 'it', 'wrote', 'to', 'the', 'wrong', 'ledger'])).toMatchObject({ code: 0 });
    const audit = await rig.run(['audit', '--subject', stopId]);
    expect(audit.stdout).toMatch(/stop\.noted[\s\S]*wrong ledger[\s\S]*stop\.latched/);
    const lines = (await rig.run(['audit', '--kind', 'stop.', '-o', 'jsonl'])).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual(
      expect.arrayContaining(['stop.noted', 'stop.latched']),
    );
  });

  it('without a connector there is none that cannot cut off', async () => {
    expect(await rig.run(['connectors'])).toMatchObject({ code: 0 });
  });
});
