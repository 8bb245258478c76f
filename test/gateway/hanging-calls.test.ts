import { expect, it } from 'vitest';
import { agentKey } from '../../src/core/scope-key.ts';
import { stop } from '../store/ledger.ts';
import { billingBot, callTool, makeRig, type Reply, readerBot, until, untilReady } from './rig.ts';

it('calls of one agent that hang leave places at their server to others, and a stop ends them', async () => {
  const rig = await makeRig();
  const gateway = await rig.startGateway();
  await untilReady(gateway);
  const [token, other] = [await rig.token(await rig.startTask()), await rig.token(await rig.startTask(readerBot))];
  const replies: Reply[] = [];
  const hanging = Array.from({ length: 300 }, async () =>
    replies.push(await callTool(gateway, token, 'billing__slow_report', { seconds: 90 })),
  );
  // 256 of 512, and the rest is told to come again.
  await until(async () => replies.length >= 44);
  expect(new Set(replies.map(({ status, body }) => `${status} ${(body as { code?: unknown }).code}`))).toEqual(
    new Set(['503 busy']),
  );
  expect(await callTool(gateway, other, 'billing__list_invoices', {})).toMatchObject({ status: 200, isError: false });
  expect(replies.length).toBe(44);
  await stop(rig.ledger, agentKey(billingBot.agentId));
  await Promise.all(hanging);
  expect(replies.length).toBe(300);
  expect(await callTool(gateway, other, 'billing__list_invoices', {})).toMatchObject({ status: 200, isError: false });
});
