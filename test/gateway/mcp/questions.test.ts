import { Client, type ElicitResult, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/contract/config.ts';
import { deferred } from '../../../src/gateway/deferred.ts';
import { OpenQuestions, type Question } from '../../../src/gateway/mcp/open-questions.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, type RunningGateway, until, untilReady } from '../rig.ts';
import { type AskingServer, startAskingServer } from './asking-server.ts';

const agent: AgentSpec = { ...billingBot, tools: { 'loud/look': 'allow', 'quiet/look': 'allow' } };
const elicit = 'elicitation/create';
const form = (message: string) => ({ message, requestedSchema: { type: 'object', properties: {} } });

let rig: Rig;
let gateway: RunningGateway;
let loud: AskingServer;
let quiet: AskingServer;
beforeAll(async () => {
  rig = await makeRig();
  [loud, quiet] = [await startAskingServer(), await startAskingServer()];
  closeAfterAll(async () => void (await Promise.all([loud.stop(), quiet.stop()])));
  const tiers = { look: 'read' as const };
  rig.configure((config) => ({
    ...config,
    agents: [agent],
    toolServers: [
      { serverId: 'loud', url: loud.url, tiers },
      { serverId: 'quiet', url: quiet.url, tiers },
    ],
  }));
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

/** A client whose person answers when it is let. */
async function connect() {
  const asked: { readonly message: string; readonly answer: () => void }[] = [];
  const client = new Client(
    { name: 't', version: '1' },
    { versionNegotiation: { mode: 'legacy' }, capabilities: { elicitation: {} } },
  );
  client.setRequestHandler('elicitation/create', ({ params }) => {
    const { promise, resolve } = deferred<ElicitResult>();
    asked.push({ message: params.message, answer: () => resolve({ action: 'decline' }) });
    return promise;
  });
  const requestInit = { headers: { authorization: `Bearer ${await rig.token(await rig.startTask(agent))}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit }));
  closeAfterAll(() => client.close().catch(() => undefined));
  const look = (server: string) => client.callTool({ name: `${server}__look`, arguments: {} });
  return { asked, look };
}
const about = <Asked extends { readonly message: string }>(word: string, asked: readonly Asked[]): readonly Asked[] =>
  asked.filter(({ message }) => message.startsWith(word));

it('one server that asks without end leaves the others their questions', async () => {
  const { asked, look } = await connect();
  const before = [loud.listeners(), quiet.listeners()];
  await look('loud');
  await look('quiet');
  await until(() => loud.listeners() > (before[0] ?? 0) && quiet.listeners() > (before[1] ?? 0));
  for (let n = 0; n < 100; n += 1) loud.ask(`loud${n}`, elicit, form(`loud ${n}`));
  await until(() => loud.told.size === 84);
  expect(JSON.stringify(loud.told.get('loud16'))).toContain('Too many questions are open.');
  quiet.ask('quiet', elicit, form('quiet'));
  await until(() => about('quiet', asked).length === 1);
  expect(about('loud', asked).length).toBe(16);
});

it('what was asked in the middle of a call is open no longer once the call has ended', async () => {
  const { asked, look } = await connect();
  for (const round of ['first', 'second']) {
    const holding = quiet.hold();
    const looking = look('quiet');
    const call = await holding;
    for (let n = 0; n < 17; n += 1) call.ask(`${round}${n}`, elicit, form(round));
    await until(() => about(round, asked).length === 16 && quiet.told.has(`${round}16`));
    call.letGo();
    expect((await looking).isError).not.toBe(true);
  }
  const said = quiet.told.size;
  for (const { answer } of asked) answer();
  // What comes after them has come: they reached nobody.
  const holding = quiet.hold();
  const looking = look('quiet');
  const call = await holding;
  call.ask('third', elicit, form('third'));
  (await until(() => about('third', asked)[0])).answer();
  await until(() => quiet.told.has('third'));
  call.letGo();
  await looking;
  expect(quiet.told.size).toBe(said + 1);
});

it('a server that is listed no more asks nobody', async () => {
  const { asked, look } = await connect();
  const before = [loud.listeners(), quiet.listeners()];
  const left = quiet.leavers();
  await look('loud');
  await look('quiet');
  await until(() => loud.listeners() > (before[0] ?? 0) && quiet.listeners() > (before[1] ?? 0));
  rig.configure((config) => ({ ...config, agents: [{ ...agent, tools: { 'loud/look': 'allow' } }] }));
  quiet.ask('gone', elicit, form('gone'));
  await until(() => quiet.leavers() > left);
  loud.ask('heard', elicit, form('heard'));
  await until(() => about('heard', asked).length === 1);
  expect(about('gone', asked)).toEqual([]);
  rig.configure((config) => ({ ...config, agents: [agent] }));
  await look('quiet');
  await until(() => quiet.listeners() > (before[1] ?? 0) + 1);
  quiet.ask('again', elicit, form('again'));
  await until(() => about('again', asked).length === 1);
});

it('of what belongs to no request nothing is open for ever, and nothing of a session that has ended', () => {
  let time = 0;
  const questions = new OpenQuestions(() => time);
  const link = { isClosed: false, tell: () => Promise.resolve(true) };
  const asked = (changes: Partial<Question> = {}) => {
    const nothing = { kind: 'nothing', server: undefined as never } as const; // nothing is asked of it here
    const common = { method: elicit, askedWhile: nothing, link, serverId: 'a', callId: undefined, theirId: 1 };
    return questions.add({ ...common, ...changes })?.id ?? '';
  };
  const [loose, own] = [asked(), asked({ callId: 'call' })];
  time = 10 * 60_000;
  expect([loose, own].map((id) => questions.find(id) !== undefined)).toEqual([true, true]);
  time += 1;
  expect([loose, own].map((id) => questions.find(id) !== undefined)).toEqual([false, true]);
  questions.endCall({ ...link }, 'call');
  expect(questions.find(own)).toBeDefined();
  questions.endCall(link, 'call');
  expect(questions.find(own)).toBeUndefined();
  const last = asked();
  link.isClosed = true;
  expect(questions.take(last)).toBeUndefined();
});
