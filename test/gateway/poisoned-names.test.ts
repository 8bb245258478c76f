import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { markOf } from '../../src/contract/delegation.ts';
import { canonicalText } from '../../src/gateway/json/canonical.ts';
import { parseStrict } from '../../src/gateway/json/parse-strict.ts';
import { pinTool } from '../../src/gateway/upstream/tool-pin.ts';
import { billingBot, callTool, makeRig, postRaw, type Rig, type RunningGateway, untilReady } from './rig.ts';

/** What every object has anyway, and what has been used to give every object something. */
const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

describe('names that every object has', () => {
  it('in arguments stay what they are: keys like any other, seen, hashed and sent', () => {
    const text = `{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}`;
    const read = parseStrict(Buffer.from(text));
    expect(read).toMatchObject({ ok: true });
    if (!read.ok) return;
    expect(Object.getPrototypeOf(read.value)).toBeNull();
    expect(canonicalText(read.value)).toBe(text);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it('in lists of tools are on no list that does not name them', () => {
    const inherited = Object.create({ 'shop/toString': 'allow' }) as AgentSpec['tools']; // a list that inherits
    const agent = { ...billingBot, tools: inherited };
    for (const name of names) expect(markOf(agent, { serverId: 'shop', name })).toBeUndefined();
  });

  it('as methods are served as little as any other that nobody knows', async () => {
    const authorization = `Bearer ${await rig.token(await rig.startTask())}`;
    for (const method of names) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} });
      const reply = await postRaw(gateway, body, { authorization });
      expect(reply.body, method).toMatchObject({ error: { code: -32_601 } });
    }
  });

  it.each(names)('%s as a tool, an agent’s wish and a grant is nobody’s', async (name) => {
    const task = await rig.startTask();
    const token = await rig.token(task);
    for (const tool of [name, `billing__${name}`, `${name}__list_invoices`])
      expect((await callTool(gateway, token, tool, {})).meta['estop/decision'], tool).toBe('denied');
    const grant = await fetch(`${gateway.url}/grants/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(grant.status).toBe(404);
    expect(rig.calls(task)).toEqual([]);
  });

  it('in the body of a call change nothing: the schema sees them, and so does whoever reads the answer', async () => {
    const task = await rig.startTask();
    const authorization = `Bearer ${await rig.token(task)}`;
    const params = '{"name":"billing__get_invoice","arguments":{"__proto__":{"invoice_id":"INV-1"}}}';
    const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}`;
    expect((await postRaw(gateway, `${call}}`, { authorization })).meta['estop/reason']).toBe('invalid-arguments');
    const ofTheMessage = await postRaw(gateway, `${call},"__proto__":{"method":"ping"}}`, { authorization });
    expect(ofTheMessage.status).toBe(400);
    expect(rig.calls(task)).toEqual([]);
  });
});

describe('tools', () => {
  const schema = { type: 'object' } as const;
  const whyNot = (name: string): string | undefined => {
    const result = pinTool('shop', { name, inputSchema: schema });
    return result.ok ? undefined : result.why;
  };

  it('that look like our own are not offered, however they are written', () => {
    for (const name of ['estop', 'estop_reset', 'e_stop', 'ESTOP', 'E5T0P', 'e-s-t-o-p_release', 'est0p'])
      expect(whyNot(name), name).toBe('its name reads like one of our own tools');
    expect(whyNot('nonstop')).toBeUndefined();
  });

  it('of other alphabets, with what cannot be seen or turns around, are not offered', () => {
    const hidden = ['\u200b', '\u2060', '\u202e', '\u00ad', '\ufeff', '\u{e0041}', '\u0000', '\n', ' '];
    const lookAlikes = [
      'refund_pаyment',
      'rеfund',
      'ｒｅｆｕｎｄ',
      'ref\u00fcnd',
      'refund\u0301',
      '',
      '../refund',
      'a/b',
    ];
    for (const name of [...hidden.map((character) => `refund${character}payment`), ...lookAlikes])
      expect(whyNot(name), JSON.stringify(name)).toBe('its name is not one that a stop could carry');
    expect(whyNot('refund_payment')).toBeUndefined();
  });
});
