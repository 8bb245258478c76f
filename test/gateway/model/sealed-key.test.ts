import { beforeAll, expect, it } from 'vitest';
import { openKeyRing } from '../../../src/runtime/keys/key-ring.ts';
import { createSecretSealer } from '../../../src/runtime/keys/secret-sealer.ts';
import { putSecret, removeSecret } from '../../../src/store/secrets.ts';
import { until } from '../rig.ts';
import { ask, type ModelRig, makeModelRig, question } from './model-rig.ts';

/** Taken out once: what is waited for before a provider is chosen (`ready` in admit-model.ts). */
let rig: ModelRig;
const put = (value: string) =>
  putSecret(rig.rig.ledger.as('estop_control'), {
    name: 'provider',
    ...createSecretSealer(openKeyRing(rig.rig.keysFolder, 'secret', 'test')).seal('provider', value),
    mayShareWith: [],
    actor: 'admin',
  });
beforeAll(async () => {
  rig = await makeModelRig();
  await put('sk-canary-sealed');
});

it('the key of a provider may be sealed: the first call has it, a rotated one is used, and without one nothing is asked', async () => {
  // Named in the very moment of the call: nothing has loaded it before.
  rig.rig.configure((config) => ({
    ...config,
    models: config.models.map((model) => ({ ...model, apiKey: { secret: 'provider' } })),
  }));
  const first = await ask(rig, await rig.token(), question);
  expect(first.status).toBe(200);
  expect(rig.provider.asked.at(-1)?.headers.authorization).toBe('Bearer sk-canary-sealed');
  await put('sk-canary-rotated');
  await until(async () => {
    await ask(rig, await rig.token(), question);
    return rig.provider.asked.at(-1)?.headers.authorization === 'Bearer sk-canary-rotated';
  });
  await removeSecret(rig.rig.ledger.as('estop_control'), 'provider', 'admin');
  const denied = await until(async () => {
    const answer = await ask(rig, await rig.token(), question);
    return answer.status === 200 ? undefined : answer;
  });
  expect(denied.code).toBe('provider-unavailable');
  expect(JSON.stringify([first.text, denied.text, rig.rig.logLines])).not.toContain('sk-canary');
});
