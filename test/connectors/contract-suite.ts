import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { GrantSecret, LedgerGrant, RevokeResult } from '../../src/connectors/kit/contract.ts';
import type { CuttingPhase } from '../../src/contract/phases.ts';
import { errorCodeOf } from '../../src/core/errors.ts';
import { type Bench, benchOf, codeOf, healthyMs, shortMs, within } from './bench-of.ts';
import type { Fault, Rig, RunningRig } from './rig.ts';

const acted: readonly RevokeResult['kind'][] = ['revoked', 'already-gone', 'residual-until'];
const notActed: readonly RevokeResult['kind'][] = ['retryable', 'needs-human'];

/** What every system must do, whatever it is and whatever happens to it. Call inside a `describe`. */
export function contractSuite(rig: Rig): void {
  let running: RunningRig;
  let bench: Bench;

  beforeAll(async () => {
    running = await rig.start();
    bench = benchOf(rig.system, running, rig.connector);
  });
  afterEach(async () => {
    await running.proxy.removeToxic();
  });
  afterAll(async () => {
    await bench.connector.close();
    await running.stop();
  });

  /** Where the system cannot have this fault its row says why. It is no skip: those are for servers that are not installed. */
  const under = (fault: Fault, title: string, test: () => Promise<void>): void => {
    const reason = rig.skips?.[fault];
    if (reason === undefined) it(title, test, 60_000);
    else it(`${title}: not at this system (${reason})`, () => expect(reason).toMatch(/\w \w/));
  };
  const phases = (): readonly CuttingPhase[] => bench.system.phases;
  const cutAll = async (grant: LedgerGrant): Promise<readonly RevokeResult[]> => {
    const results: RevokeResult[] = [];
    for (const phase of phases()) results.push(await bench.connector.cut(phase, grant, within(healthyMs)));
    return results;
  };
  const issued = () => bench.issue(bench.plan());
  // What is left of a credential that was cut off; a residual one is named as such, and only its own end makes it harmless.
  const dead =
    rig.ends === 'residual'
      ? ({ use: 'worked', probe: 'residual-until' } as const)
      : ({ use: 'refused', probe: 'denied' } as const);
  const expectDead = async (grant: LedgerGrant, secret: GrantSecret): Promise<void> => {
    expect(await running.useAsAgent(grant, secret)).toBe(dead.use);
    expect((await bench.connector.probe(grant, within(healthyMs))).kind).toBe(dead.probe);
  };

  it('issues what a drill throws away: it works, opens nothing that is asked for, and is cut off like any other', async () => {
    expect(bench.system.drill, 'or say here why this system issues none').toBeDefined();
    const { grant, secret } = await bench.issue(bench.plan(bench.system.drill));
    expect((await bench.connector.probe(grant, within(healthyMs))).kind).toBe('allowed');
    for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
    expect((await bench.connector.probe({ ...grant, secret }, within(healthyMs))).kind).toBe(dead.probe);
  });

  it('issues a credential that works, cuts it off, and sees it denied while the control is allowed', async () => {
    const { grant, secret } = await issued();
    expect(await running.useAsAgent(grant, secret)).toBe('worked');
    expect(await bench.connector.lists(grant, within(healthyMs))).toBe('present');
    expect((await bench.connector.probe(grant, within(healthyMs))).kind).toBe('allowed');
    const lasting = await running.openLasting(grant, secret);
    expect(await lasting.alive()).toBe(true);

    for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);

    const counted = await running.countInTarget(grant);
    await expectDead(grant, secret);
    if (dead.use === 'refused') {
      expect(await running.countInTarget(grant)).toBe(counted);
      expect(await lasting.alive()).toBe(false);
      expect(await bench.connector.probe(grant, within(healthyMs))).toMatchObject({ evidence: 'credential-probed' });
    }
    expect((await bench.connector.control(grant, within(healthyMs))).kind).toBe('allowed');
    await lasting.close();
  });

  it('leaves another grant and the next generation alone', async () => {
    const old = await issued();
    const sibling = await issued();
    const next = await bench.issue(bench.plan(undefined, 8));
    await cutAll(old.grant);
    expect(await running.useAsAgent(sibling.grant, sibling.secret)).toBe('worked');
    expect(await running.useAsAgent(next.grant, next.secret)).toBe('worked');
    await cutAll(sibling.grant);
    await cutAll(next.grant);
  });

  it('does every phase twice, and a second time after everything, without harm', async () => {
    const { grant, secret } = await issued();
    for (const phase of phases()) {
      expect(acted).toContain((await bench.connector.cut(phase, grant, within(healthyMs))).kind);
      expect(acted).toContain((await bench.connector.cut(phase, grant, within(healthyMs))).kind);
    }
    for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
    await expectDead(grant, secret);
  });

  it.each(['down', 'hanging'] as const)(
    'proves nothing and changes nothing while the system is %s, and goes through once it is back',
    async (fault) => {
      const { grant, secret } = await issued();
      await running.proxy.addToxic('fault', fault === 'down' ? { type: 'down' } : { type: 'timeout', timeout: 0 });
      const { connector } = bench;
      const cutInTurn = async (): Promise<void> => {
        for (const phase of phases())
          expect(notActed).toContain((await connector.cut(phase, grant, within(shortMs))).kind);
      };
      // At once, for each does nothing but wait for its end; but the phases, whose order holds also for what arrives late.
      await Promise.all([
        cutInTurn(),
        connector.probe(grant, within(shortMs)).then(({ kind }) => expect(kind).toBe('inconclusive')),
        connector.control(grant, within(shortMs)).then(({ kind }) => expect(kind).toBe('not-allowed')),
        connector.selfCheck(within(shortMs)).then(({ ok }) => expect(ok).toBe(false)),
        codeOf(connector.lists(grant, within(shortMs))).then((code) => expect(code).toBe('connector-unavailable')),
        codeOf(bench.issue(bench.plan(), shortMs)).then((code) => expect(code).toBe('connector-unavailable')),
      ]);
      expect(await running.useAsAgent(grant, secret)).toBe('worked');

      await running.proxy.removeToxic();
      for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
      await expectDead(grant, secret);
    },
    60_000,
  );

  under(
    'credential-refused',
    'asks for a person when its own credential is refused, and takes that for no denial',
    async () => {
      const { grant, secret } = await issued();
      const undo = await running.refuseOurCredential();
      for (const phase of phases())
        expect((await bench.connector.cut(phase, grant, within(healthyMs))).kind).toBe('needs-human');
      expect(['inconclusive', 'residual-until']).toContain(
        (await bench.connector.probe({ ...grant, secret: undefined }, within(healthyMs))).kind,
      );
      expect((await bench.connector.selfCheck(within(healthyMs))).ok).toBe(false);
      expect(await codeOf(bench.issue(bench.plan()))).toBe('connector-refused');
      await undo();
      expect(await running.useAsAgent(grant, secret)).toBe('worked');
      for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
      await expectDead(grant, secret);
    },
  );

  for (const fault of ['rate-limited', 'server-error', 'garbage'] as const) {
    under(fault, `tries again, and believes nothing, when the answer is ${fault}`, async () => {
      const { grant } = await issued();
      const bytes = running.replies()[fault];
      if (bytes === undefined) throw new Error(`the rig has no answer for ${fault} and does not skip it`);
      await running.proxy.addToxic('fault', { type: 'reply_with', bytes });
      for (const phase of phases()) {
        const result = await bench.connector.cut(phase, grant, within(shortMs));
        expect(result.kind).toBe('retryable');
        if (fault === 'rate-limited') expect(result).toMatchObject({ retryAfterMs: 7_000 });
      }
      expect((await bench.connector.probe(grant, within(shortMs))).kind).toBe('inconclusive');
      expect((await bench.connector.control(grant, within(shortMs))).kind).toBe('not-allowed');
      expect(['connector-unavailable', 'connector-garbage']).toContain(
        await codeOf(bench.issue(bench.plan(), shortMs)),
      );
      await running.proxy.removeToxic();
      for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
    });
  }

  under('issue-lost', 'cuts off a credential although the reply to its issue was lost', async () => {
    const marker = running.marker('issue');
    if ('none' in marker) throw new Error(marker.none);
    const grant = bench.plan();
    await loseReply(marker.bytes, async () => {
      expect(await codeOf(bench.issue(grant))).toBe('connector-unavailable');
    });
    expect(await bench.connector.lists(grant, within(healthyMs))).toBe('present');
    for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
    expect(await bench.connector.probe(grant, within(healthyMs))).toMatchObject({
      kind: 'denied',
      evidence: 'issuer-attested',
    });
    expect(await bench.connector.lists(grant, within(healthyMs))).toBe('absent');
    // Whoever asked for it wakes up and asks again: what was cut is not brought back.
    expect(await codeOf(bench.issue(grant))).toBe('conflict');
    expect((await bench.connector.probe(grant, within(healthyMs))).kind).toBe('denied');
  });

  under('reply-lost', 'goes through every phase although the reply to each was lost once', async () => {
    const { grant, secret } = await issued();
    const lasting = await running.openLasting(grant, secret);
    for (const phase of phases()) {
      const marker = running.marker(phase);
      if ('none' in marker) continue;
      await loseReply(marker.bytes, async () => {
        expect(notActed).toContain((await bench.connector.cut(phase, grant, within(healthyMs))).kind);
      });
      expect(acted).toContain((await bench.connector.cut(phase, grant, within(healthyMs))).kind);
    }
    if (dead.use === 'refused') expect(await lasting.alive()).toBe(false);
    await expectDead(grant, secret);
    await lasting.close();
  });

  const loseReply = async (marker: string, act: () => Promise<void>): Promise<void> => {
    const before = running.proxy.dropped();
    await running.proxy.addToxic('lost', { type: 'execute_then_drop_reply', marker });
    await act();
    await running.proxy.removeToxic();
    expect(running.proxy.dropped(), `a reply to ${marker} was lost`).toBeGreaterThan(before);
  };

  under(
    'never-existed',
    'does not claim that something is gone which it never saw, and nothing can be issued under that name later',
    async () => {
      const grant = bench.plan();
      expect(await bench.connector.lists(grant, within(healthyMs))).toBe('absent');
      for (const result of await cutAll(grant)) expect(result.kind).toBe('not-found-unconfirmed');
      for (const result of await cutAll(grant)) expect(result.kind).toBe('not-found-unconfirmed');
      expect(await codeOf(bench.issue(grant))).toBe('conflict');
      expect(await bench.connector.lists(grant, within(healthyMs))).toBe('absent');
      expect(await bench.connector.probe(grant, within(healthyMs))).toMatchObject({
        kind: 'denied',
        evidence: 'issuer-attested',
      });
    },
  );

  under('lying', 'sees through a system that says "done" and still lets the old credential in', async () => {
    const { grant, secret } = await issued();
    await cutAll(grant);
    await running.revive(grant, secret);
    expect(await running.useAsAgent(grant, secret)).toBe('worked');
    expect((await bench.connector.probe(grant, within(healthyMs))).kind).toBe('allowed');
    for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
    expect((await bench.connector.probe(grant, within(healthyMs))).kind).toBe('denied');
  });

  under('control-down', 'says so when the control identity is refused as well, so that no denial counts', async () => {
    const { grant } = await issued();
    expect((await bench.connector.control(grant, within(healthyMs))).kind).toBe('allowed');
    const undo = await running.breakControl();
    expect((await bench.connector.control(grant, within(healthyMs))).kind).toBe('not-allowed');
    await undo();
    expect((await bench.connector.control(grant, within(healthyMs))).kind).toBe('allowed');
    await cutAll(grant);
  });

  under('self-check', 'names what is missing before it is needed', async () => {
    expect((await bench.connector.selfCheck(within(healthyMs))).ok).toBe(true);
    const { finding, undo } = await running.breakSelfCheck();
    const check = await bench.connector.selfCheck(within(healthyMs));
    expect(check.ok).toBe(false);
    expect(check.findings.join('\n')).toMatch(finding);
    await undo();
  });

  under('injection', 'takes a hostile name for a name, or refuses it', async () => {
    expect(running.injections.length).toBeGreaterThan(0);
    for (const options of running.injections) {
      if (!bench.system.grantSchema.safeParse(options).success) continue;
      const grant = bench.plan(options);
      const outcome = await bench.issue(grant).catch((thrown: unknown) => ({ refusedAs: errorCodeOf(thrown) }));
      if ('refusedAs' in outcome)
        expect(['connector-refused', 'connector-unavailable', 'config-invalid']).toContain(outcome.refusedAs);
      await cutAll(grant);
    }
    // Whatever was in them, the system is unharmed.
    const { grant, secret } = await issued();
    expect(await running.useAsAgent(grant, secret)).toBe('worked');
    for (const result of await cutAll(grant)) expect(acted).toContain(result.kind);
  });

  it('names everything it creates in 63 bytes of plain letters, with the epoch in it', () => {
    const hostile = bench.connector.plan({
      grantId: `x"; DROP ROLE y; -- ${'../'.repeat(50)}%00`,
      environment: 'test',
      agentId: "a'b",
      taskId: 't',
      epoch: 41,
      options: bench.system.grantSchema.parse(running.grantOptions),
    });
    expect(JSON.stringify(hostile.handle)).toContain(bench.system.generations === 'own' ? 'e41_' : '');
    expect(JSON.stringify(hostile)).not.toContain('DROP ROLE y');
  });

  // Last: everything above has been said by now.
  under('secrets', 'says no secret in any result or error', async () => {
    expect(bench.canaries.size).toBeGreaterThan(Object.keys(running.secrets).length);
    const said = bench.said();
    expect([...bench.canaries].filter((canary) => said.includes(canary))).toEqual([]);
  });
}
