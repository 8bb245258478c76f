import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addAccessToken, createAuthenticator } from '../../src/runtime/keys/access-tokens.ts';
import { ensureKeys, openKeyRing, rotateKey, signingKey } from '../../src/runtime/keys/key-ring.ts';
import { createPayloadCodec } from '../../src/runtime/keys/payload-codec.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { createTaskTokenSigner, createTaskTokenVerifier } from '../../src/runtime/keys/task-token.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'estop-keys-'));
  ensureKeys(folder, 'dev');
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('keys', () => {
  it('are readable by their owner alone, and a second start keeps them', () => {
    const before = readFileSync(join(folder, 'token.json'), 'utf8');
    ensureKeys(folder, 'dev');
    expect(readFileSync(join(folder, 'token.json'), 'utf8')).toBe(before);
    for (const name of ['token', 'seal', 'codec']) expect(statSync(join(folder, `${name}.json`)).mode & 0o077).toBe(0);
  });

  it('of another environment are refused', () => {
    expect(() => openKeyRing(folder, 'seal', 'prod')).toThrow(/environment dev/);
  });

  it('are rotated while a process runs: the new one seals, the old ones still open', () => {
    const [reader, writer] = [openKeyRing(folder, 'seal', 'dev'), openKeyRing(folder, 'seal', 'dev')];
    const old = createSealer(writer).seal(text('first'), 'grant_1');
    const kid = rotateKey(folder, 'seal');
    const fresh = createSealer(openKeyRing(folder, 'seal', 'dev')).seal(text('second'), 'grant_2');
    expect(Buffer.from(fresh).includes(kid)).toBe(true);
    expect(Buffer.from(createSealer(reader).open(fresh, 'grant_2')).toString()).toBe('second');
    expect(Buffer.from(createSealer(reader).open(old, 'grant_1')).toString()).toBe('first');
  });
});

describe('sealed bytes', () => {
  it('open only whole, under their own key and in their own place', () => {
    const sealer = createSealer(openKeyRing(folder, 'seal', 'dev'));
    const sealed = sealer.seal(text('hunter2'), 'grant_1');
    expect(Buffer.from(sealed).includes('hunter2')).toBe(false);
    expect(() => sealer.open(sealed, 'grant_2')).toThrow();
    for (let at = 0; at < sealed.length; at += 1) {
      const flipped = Uint8Array.from(sealed);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(() => sealer.open(flipped, 'grant_1'), `byte ${at}`).toThrow();
      expect(() => sealer.open(sealed.subarray(0, at), 'grant_1'), `cut at ${at}`).toThrow();
    }
  });

  it('hide a Temporal payload and give it back as it was', async () => {
    const codec = createPayloadCodec(createSealer(openKeyRing(folder, 'codec', 'dev')));
    const payload = { metadata: { encoding: text('json/plain') }, data: text('{"prompt":"canary"}') };
    const [sealed] = await codec.encode([payload]);
    if (sealed?.data == null) throw new Error('nothing was sealed');
    expect(Buffer.from(sealed.data).includes('canary')).toBe(false);
    const [opened] = await codec.decode([sealed]);
    expect(Buffer.from(opened?.data ?? []).toString()).toBe('{"prompt":"canary"}');
    const [plain] = await codec.decode([payload]);
    expect(plain).toEqual(payload);
  });
});

describe('a task token', () => {
  const claims = { taskId: 'task_dev_1', agentId: 'billing-bot', agents: ['billing-bot'], keys: ['fleet'], epoch: 3 };
  const options = () => ({ ring: openKeyRing(folder, 'token', 'dev'), environment: 'dev', trustDomain: 'estop.local' });
  const made = async (): Promise<string> => (await createTaskTokenSigner(options()).sign(claims)).token;

  it('carries agent, task, keys and epoch for at most fifteen minutes', async () => {
    const verdict = await createTaskTokenVerifier(options()).verify(await made());
    expect(verdict).toMatchObject({ ok: true, claims });
    const { exp = 0, iat = 0, sub } = decodeJwt(await made());
    expect(exp - iat).toBeLessThanOrEqual(900);
    expect(sub).toBe('spiffe://estop.local/agent/billing-bot');
  });

  it('still verifies after a rotation, and the new key verifies too', async () => {
    const verifier = createTaskTokenVerifier(options());
    const before = await made();
    rotateKey(folder, 'token');
    expect((await verifier.verify(await made())).ok).toBe(true);
    expect((await verifier.verify(before)).ok).toBe(true);
  });

  it('is refused when its text is altered, though the signature bits are the same', async () => {
    const verifier = createTaskTokenVerifier(options());
    const token = await made();
    const last = token.slice(-1);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const sibling = alphabet[alphabet.indexOf(last) ^ 1] ?? 'A';
    for (const altered of [
      `${token} `,
      `${token}=`,
      `${token}\n`,
      ` ${token}`,
      token.slice(0, -1) + sibling,
      token.replace('.', '..'),
      `${token}.x`,
      '',
      'x'.repeat(20_000),
    ]) {
      expect(await verifier.verify(altered), JSON.stringify(altered.slice(-8))).toMatchObject({ ok: false });
    }
  });

  it('is refused with another algorithm, type, audience, issuer, subject, key or environment', async () => {
    const verifier = createTaskTokenVerifier(options());
    const key = openKeyRing(folder, 'token', 'dev').newest();
    const { privateKey } = signingKey(key);
    const base = { task: claims.taskId, agent: claims.agentId, agents: claims.agents, keys: claims.keys, epoch: 3 };
    const sign = (change: {
      header?: object;
      issuer?: string;
      audience?: string;
      subject?: string;
      expiry?: string;
      omitJti?: boolean;
    }) => {
      const jwt = new SignJWT(base)
        .setProtectedHeader({ alg: 'EdDSA', typ: 'estop-task+jwt', kid: key.kid, ...change.header })
        .setIssuer(change.issuer ?? 'estop:dev')
        .setAudience(change.audience ?? 'estop-gateway:dev')
        .setSubject(change.subject ?? 'spiffe://estop.local/agent/billing-bot')
        .setIssuedAt()
        .setExpirationTime(change.expiry ?? '10m');
      return (change.omitJti === true ? jwt : jwt.setJti('tok_1')).sign(privateKey);
    };
    expect((await verifier.verify(await sign({}))).ok).toBe(true);
    expect(await verifier.verify(await sign({ header: { kid: 'token-prod-abc' } }))).toEqual({
      ok: false,
      code: 'foreign-environment',
    });
    for (const change of [
      { header: { typ: 'JWT' } },
      { header: { kid: 'token-dev-unknown' } },
      { header: { kid: '../../etc/passwd' } },
      { issuer: 'estop:prod' },
      { audience: 'estop-gateway:prod' },
      { subject: 'spiffe://estop.local/agent/other' },
      { expiry: '-1m' },
      { omitJti: true },
    ]) {
      expect((await verifier.verify(await sign(change))).ok, JSON.stringify(change)).toBe(false);
    }
    const [, payload] = (await sign({})).split('.');
    const none = `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'estop-task+jwt', kid: key.kid })).toString('base64url')}.${payload}.`;
    expect((await verifier.verify(none)).ok).toBe(false);
  });
});

describe('an access token', () => {
  it('names the person behind it where the file does, also after another was added', () => {
    const path = join(folder, 'tokens.json');
    const token = addAccessToken(path, 'dev', 'ada-at-home', ['approver']);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('"actor": "ada-at-home"', '"actor": "ada-at-home", "person": "ada"'),
    );
    addAccessToken(path, 'dev', 'bert', ['approver']);
    expect(createAuthenticator(path, 'dev').authenticate(`Bearer ${token}`)).toEqual({
      ok: true,
      identity: { actor: 'ada-at-home', person: 'ada', roles: ['approver'] },
    });
  });

  it('is good no longer once it is taken out, though the clock of this machine was set back meanwhile', async () => {
    const path = join(folder, 'tokens.json');
    const token = addAccessToken(path, 'dev', 'ada', ['approver']);
    const authenticator = createAuthenticator(path, 'dev');
    expect(authenticator.authenticate(`Bearer ${token}`).ok).toBe(true);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    try {
      writeFileSync(path, JSON.stringify({ environment: 'dev', tokens: [] }));
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      expect(authenticator.authenticate(`Bearer ${token}`).ok).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is stored as a hash, names its environment, and is checked from memory', () => {
    const path = join(folder, 'tokens.json');
    const token = addAccessToken(path, 'dev', 'ada', ['operator']);
    const authenticator = createAuthenticator(path, 'dev');
    expect(readFileSync(path, 'utf8')).not.toContain(token.slice('estop_dev_'.length));
    expect(authenticator.authenticate(`Bearer ${token}`)).toEqual({
      ok: true,
      identity: { actor: 'ada', roles: ['operator'] },
    });
    rmSync(path);
    expect(authenticator.authenticate(`Bearer ${token}`).ok).toBe(true);
    expect(authenticator.authenticate(`Bearer ${token.replace('_dev_', '_prod_')}`)).toEqual({
      ok: false,
      code: 'foreign-environment',
    });
    for (const header of [
      undefined,
      '',
      token,
      `bearer ${token}`,
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
    ]) {
      expect(authenticator.authenticate(header).ok, String(header).slice(0, 8)).toBe(false);
    }
  });
});
