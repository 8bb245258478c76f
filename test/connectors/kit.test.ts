import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connector } from '../../src/connectors/kit/contract.ts';
import { controlName, principalName, sharedName } from '../../src/connectors/kit/names.ts';
import { unexpectedReply } from '../../src/connectors/kit/results.ts';
import { retryAfterMs } from '../../src/connectors/kit/retry-after.ts';
import { secretReference } from '../../src/connectors/kit/secret-reference.ts';
import { tidier } from '../../src/connectors/kit/tidier.ts';
import { totalConnector } from '../../src/connectors/kit/total-connector.ts';
import { EstopError } from '../../src/core/errors.ts';

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

describe('What an answer to our own credential means', () => {
  const reply = (status: number, wait?: number) => ({
    status,
    headers: {},
    contentType: 'text/html',
    body: '<b>',
    retryAfterMs: wait,
  });
  it.each([
    [401, 'needs-human'],
    [403, 'needs-human'],
    [404, 'not-found-unconfirmed'],
    [429, 'retryable'],
    [500, 'retryable'],
    [503, 'retryable'],
    [200, 'retryable'],
    [302, 'retryable'],
  ] as const)('%i means %s', (status, kind) => {
    expect(unexpectedReply(reply(status), 'revoke').kind).toBe(kind);
  });

  it('keeps the wait that the system asked for, within reason', () => {
    const now = new Date('2026-11-20T10:00:00Z');
    expect(retryAfterMs('7', now)).toBe(7_000);
    expect(retryAfterMs('Fri, 20 Nov 2026 10:00:30 GMT', now)).toBe(30_000);
    expect(retryAfterMs('Fri, 20 Nov 2026 09:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('86400', now)).toBe(300_000);
    expect(retryAfterMs('tomorrow', now)).toBeUndefined();
    expect(retryAfterMs(undefined, now)).toBeUndefined();
    expect(unexpectedReply(reply(429, 7_000), 'revoke')).toMatchObject({ retryAfterMs: 7_000 });
  });
});

describe('Names of what is created', () => {
  const plain = /^[a-z0-9_]{1,63}$/;

  it('are plain and short, whatever a grant id, an agent or a connector holds', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.stringMatching(/^[a-z][a-z0-9]{0,15}$/),
        (text, epoch, environment) => {
          expect(principalName({ environment, epoch, grantId: text })).toMatch(plain);
          expect(sharedName(environment, text)).toMatch(plain);
          expect(controlName(environment, text)).toMatch(plain);
          expect(principalName({ environment, epoch, grantId: text })).toContain(`_e${epoch}_`);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('differ for every grant', () => {
    const names = Array.from({ length: 5_000 }, (_, index) =>
      principalName({ environment: 'dev', epoch: 1, grantId: `g${index}` }),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('are never made for an environment or an epoch that is none', () => {
    for (const environment of ['', 'Dev', 'a-b', "x'; --", 'a'.repeat(17)])
      expect(() => principalName({ environment, epoch: 1, grantId: 'g' })).toThrow(EstopError);
    for (const epoch of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => principalName({ environment: 'dev', epoch, grantId: 'g' })).toThrow(EstopError);
  });
});

describe('A secret in estop.yaml', () => {
  it('is a reference to a file or a variable, never a value', () => {
    expect(secretReference.safeParse({ file: '/run/secrets/x' }).success).toBe(true);
    expect(secretReference.safeParse({ env: 'TARGET_PASSWORD' }).success).toBe(true);
    for (const value of [
      'hunter2',
      { value: 'hunter2' },
      { env: 'A=B' },
      { env: '' },
      { file: '' },
      { file: 'a', env: 'B' },
    ])
      expect(secretReference.safeParse(value).success).toBe(false);
  });
});

describe('A connector that throws', () => {
  const throwing = (thrown: unknown): Connector => {
    const fail = (): Promise<never> => Promise.reject(thrown);
    return totalConnector({
      plan: () => ({ target: 't', handle: {} }),
      issue: fail,
      cut: fail,
      probe: fail,
      control: fail,
      lists: fail,
      selfCheck: fail,
      close: async () => undefined,
    });
  };
  const grant = {
    grantId: 'g',
    environment: 'dev',
    agentId: 'a',
    taskId: 't',
    epoch: 1,
    target: 't',
    handle: {},
    secret: undefined,
    absoluteEnd: '2026-01-01T00:00:00Z',
    state: 'issued',
  } as const;
  const context = { signal: soon() };

  it.each([
    ['connector-unavailable', 'retryable'],
    ['connector-garbage', 'retryable'],
    ['connector-refused', 'needs-human'],
    ['secret-missing', 'needs-human'],
    ['address-refused', 'needs-human'],
  ] as const)('%s becomes %s, and never a denial', async (code, kind) => {
    const connector = throwing(new EstopError(code, { detail: 'said by us' }));
    expect(await connector.cut('fence', grant, context)).toEqual({ kind, why: 'said by us' });
    expect(await connector.probe(grant, context)).toEqual({ kind: 'inconclusive', why: 'said by us' });
    expect(await connector.control(grant, context)).toEqual({ kind: 'not-allowed', why: 'said by us' });
    expect(await connector.selfCheck(context)).toEqual({ ok: false, findings: ['said by us'] });
    await expect(connector.issue(grant, context)).rejects.toMatchObject({ code });
    await expect(connector.lists(grant, context)).rejects.toMatchObject({ code });
  });

  it('may also throw at once, before there is a promise', async () => {
    const fail = (): never => {
      throw new EstopError('secret-missing', { detail: 'said by us' });
    };
    const connector = totalConnector({
      plan: () => ({ target: 't', handle: {} }),
      issue: fail,
      cut: fail,
      probe: fail,
      control: fail,
      lists: fail,
      selfCheck: fail,
      close: async () => undefined,
    });
    expect((await connector.cut('fence', grant, context)).kind).toBe('needs-human');
    expect((await connector.probe(grant, context)).kind).toBe('inconclusive');
    expect((await connector.control(grant, context)).kind).toBe('not-allowed');
    expect((await connector.selfCheck(context)).ok).toBe(false);
    await expect(connector.issue(grant, context)).rejects.toMatchObject({ code: 'secret-missing' });
  });

  it.each([new Error('canary'), Object.assign(new Error('canary'), { code: 'ECONNRESET' }), 'canary', null])(
    'has a foreign error (%#) told in our own words',
    async (thrown) => {
      const connector = throwing(thrown);
      const cut = await connector.cut('fence', grant, context);
      const said = [
        cut,
        await connector.probe(grant, context),
        await connector.control(grant, context),
        await connector.selfCheck(context),
      ];
      expect(JSON.stringify(said)).not.toContain('canary');
      expect(cut.kind).toBe('retryable');
      const error: unknown = await connector.issue(grant, context).catch((one: unknown) => one);
      expect(error).toMatchObject({ code: 'internal' });
      expect(String(error)).not.toContain('canary');
    },
  );
});

describe('Tidying up', () => {
  it('runs off the path, at most once a minute, survives a failure, and ends with the connector', async () => {
    let now = 0;
    let runs = 0;
    const tidy = tidier(() => new Date(now));
    const work = (signal: AbortSignal): Promise<void> => {
      runs += 1;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    tidy.start(work);
    tidy.start(work);
    expect(runs).toBe(1);
    now += 60_000;
    tidy.start(work);
    expect(runs).toBe(2);
    await tidy.stop();
    now += 60_000;
    tidy.start(work);
    expect(runs).toBe(2);
  });
});
