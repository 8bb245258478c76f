import { createHmac, generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { TaskTokenVerifier, TokenVerdict } from '../../src/contract/identity.ts';
import { ensureKeys, type HeldKey, openKeyRing, signingKey } from '../../src/runtime/keys/key-ring.ts';
import { createTaskTokenVerifier } from '../../src/runtime/keys/task-token.ts';
import { requiresData } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';

let held: HeldKey;
let verifier: TaskTokenVerifier;
beforeAll(() => {
  const folder = tempFolder();
  ensureKeys(folder, 'test');
  const ring = openKeyRing(folder, 'token', 'test');
  held = ring.newest();
  verifier = createTaskTokenVerifier({ ring, environment: 'test', trustDomain: 'test.local' });
});

type Json = Readonly<Record<string, unknown>>;
const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const ours = (): Json => ({ alg: 'EdDSA', typ: 'estop-task+jwt', kid: held.kid });
function claims(more: Json = {}): Json {
  const now = Math.floor(Date.now() / 1_000);
  return {
    task: 'task_1',
    agent: 'bot',
    agents: ['bot'],
    keys: ['fleet', 'agent:bot'],
    epoch: 0,
    iss: 'estop:test',
    aud: 'estop-gateway:test',
    sub: 'spiffe://test.local/agent/bot',
    jti: 'tok_1',
    iat: now,
    exp: now + 600,
    ...more,
  };
}

/** By our own key, whatever the header says. */
function signed(header: Json, payload: Json = claims()): string {
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${sign(null, Buffer.from(text), signingKey(held).privateKey).toString('base64url')}`;
}

const refused: TokenVerdict = { ok: false, code: 'unauthenticated' };

describe('a task token', () => {
  it('is taken as we sign it (so that the ones below are refused for what is wrong with them)', async () => {
    expect((await verifier.verify(signed(ours()))).ok).toBe(true);
  });

  it('has one algorithm under one name', async () => {
    for (const alg of ['Ed25519', 'none', 'None', 'NONE', '', 'HS256', 'RS256', 'ES256', 'PS512', 'eddsa', null])
      expect(await verifier.verify(signed({ ...ours(), alg })), String(alg)).toEqual(refused);
  });

  it('is not signed by whoever knows our public key, taken as the secret of another algorithm', async () => {
    const { publicKey } = signingKey(held);
    const secrets = [
      publicKey.export({ format: 'der', type: 'spki' }),
      Buffer.from(publicKey.export({ format: 'pem', type: 'spki' })),
      Buffer.from(String(publicKey.export({ format: 'jwk' })['x']), 'base64url'),
    ];
    const text = `${part({ ...ours(), alg: 'HS256' })}.${part(claims())}`;
    for (const secret of secrets)
      expect(await verifier.verify(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`)).toEqual(
        refused,
      );
  });

  it('is not signed by a key that it brings along, or tells where to find', async () => {
    const own = generateKeyPairSync('ed25519');
    const jwk = own.publicKey.export({ format: 'jwk' });
    const x5c = [own.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')];
    for (const more of [{ jwk }, { jku: 'http://127.0.0.1:1/keys' }, { x5u: 'http://127.0.0.1:1/cert' }, { x5c }]) {
      const text = `${part({ ...ours(), ...more })}.${part(claims())}`;
      const token = `${text}.${sign(null, Buffer.from(text), own.privateKey).toString('base64url')}`;
      expect(await verifier.verify(token), Object.keys(more)[0]).toEqual(refused);
    }
  });

  it('names its key by an id that is ours, and by nothing else', async () => {
    const kids = [undefined, '', 7, [held.kid], { kid: held.kid }, `token-test-${'x'.repeat(200)}`, 'token-test-none'];
    for (const kid of kids) expect(await verifier.verify(signed({ ...ours(), kid }))).toEqual(refused);
    for (const kid of ['../../../etc/passwd', '/dev/null', "' OR 1=1", '__proto__', 'constructor'])
      expect((await verifier.verify(signed({ ...ours(), kid }))).ok, kid).toBe(false);
  });

  it('may ask for nothing that we do not know', async () => {
    expect(await verifier.verify(signed({ ...ours(), crit: ['exp'] }))).toEqual(refused);
    expect(await verifier.verify(signed({ ...ours(), b64: false, crit: ['b64'] }))).toEqual(refused);
  });

  it('is not one that was made for something else with the same key', async () => {
    for (const typ of ['JWT', 'at+jwt', 'id_token', undefined])
      expect(await verifier.verify(signed({ ...ours(), typ })), String(typ)).toEqual(refused);
    for (const aud of ['estop-gateway:prod', ['estop-control:test'], undefined])
      expect(await verifier.verify(signed(ours(), claims({ aud }))), String(aud)).toEqual(refused);
    for (const missing of ['exp', 'iat', 'jti', 'sub', 'epoch', 'keys', 'task'])
      expect(await verifier.verify(signed(ours(), claims({ [missing]: undefined }))), missing).toEqual(refused);
  });

  it('that is not valid yet is none', async () => {
    const later = Math.floor(Date.now() / 1_000) + 300;
    expect(await verifier.verify(signed(ours(), claims({ nbf: later })))).toEqual(refused);
    // With the times it bore, since it may be this clock that is off.
    expect(await verifier.verify(signed(ours(), claims({ iat: later })))).toMatchObject(refused);
  });

  it('spelled in another way is none: what is keyed by its text must not have two', async () => {
    const token = signed(ours());
    const [header = '', payload = '', signature = ''] = token.split('.');
    // The last letter of 64 bytes carries four bits that decode to nothing.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(signature.at(-1) ?? '');
    const respelled = `${signature.slice(0, -1)}${alphabet[last ^ 1]}`;
    expect(Buffer.from(respelled, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
    const spellings = [
      `${header}.${payload}.${respelled}`,
      `${header}.${payload}.${signature}==`,
      `${header}.${payload}.${signature}\n`,
      `${header}.${payload}. ${signature}`,
      `${header}=.${payload}.${signature}`,
      token.replaceAll('-', '+').replaceAll('_', '/'),
    ].filter((text) => text !== token);
    for (const text of spellings) expect(await verifier.verify(text), text).toEqual(refused);
  });

  it('has one signature: the same with the order of the group added is none', async () => {
    const [header = '', payload = '', signature = ''] = signed(ours()).split('.');
    const bytes = Buffer.from(signature, 'base64url');
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const sum = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order;
    const added = Buffer.from(sum.toString(16).padStart(64, '0'), 'hex').reverse();
    const other = Buffer.concat([bytes.subarray(0, 32), added]).toString('base64url');
    expect(await verifier.verify(`${header}.${payload}.${other}`)).toEqual(refused);
  });

  it('larger than any of ours is not read', async () => {
    expect(await verifier.verify(signed(ours(), claims({ keys: ['fleet', 'x'.repeat(20_000)] })))).toEqual(refused);
  });
});

const vectors = new URL('../../../shared/data/wycheproof/', import.meta.url);
const JwsFile = z.object({
  testGroups: z.array(z.object({ tests: z.array(z.object({ tcId: z.number(), jws: z.string() })) })),
});
const EdFile = z.object({
  testGroups: z.array(
    z.object({
      publicKeyJwk: z.record(z.string(), z.unknown()),
      tests: z.array(z.object({ tcId: z.number(), msg: z.string(), sig: z.string(), result: z.string() })),
    }),
  ),
});
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, vectors), 'utf8'));

requiresData('the set of wycheproof vectors', vectors)('the wycheproof vectors', () => {
  it.each([
    ['json_web_signature_test.json', 401],
    ['json_web_key_test.json', 26],
  ])(
    '%s: nothing in it is a task token, and no header of it makes one of what our own key signs',
    async (name, count) => {
      const all = JwsFile.parse(read(name)).testGroups.flatMap(({ tests }) => tests);
      expect(all).toHaveLength(count);
      for (const { tcId, jws } of all) {
        expect((await verifier.verify(jws)).ok, `${tcId}`).toBe(false);
        const header = headerIn(jws);
        if (header === undefined || header['alg'] === 'EdDSA') continue;
        const grafted = { ...header, typ: 'estop-task+jwt', kid: held.kid };
        expect((await verifier.verify(signed(grafted))).ok, `grafted ${tcId}`).toBe(false);
      }
    },
  );

  it('ed25519_test.json: the signatures that our verifier stands on are exactly the valid ones', async () => {
    let count = 0;
    for (const { publicKeyJwk, tests } of EdFile.parse(read('ed25519_test.json')).testGroups) {
      const jwk = { kty: publicKeyJwk['kty'], crv: publicKeyJwk['crv'], x: publicKeyJwk['x'] } as webcrypto.JsonWebKey; // as the file has it
      const key = await webcrypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify']);
      for (const { tcId, msg, sig, result } of tests) {
        const isValid = await webcrypto.subtle.verify('Ed25519', key, Buffer.from(sig, 'hex'), Buffer.from(msg, 'hex'));
        expect(isValid, `${tcId}`).toBe(result === 'valid');
        count += 1;
      }
    }
    expect(count).toBe(151);
  });
});

function headerIn(jws: string): Json | undefined {
  try {
    return JSON.parse(Buffer.from(jws.split('.', 1)[0] ?? '', 'base64url').toString('utf8')) as Json; // an object, or refused as none
  } catch {
    return undefined;
  }
}
