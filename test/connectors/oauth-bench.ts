import { afterAll } from 'vitest';
import type { Connector } from '../../src/connectors/kit/contract.ts';
import { oauth } from '../../src/connectors/oauth/index.ts';
import { oauthOptions } from '../../src/connectors/oauth/options.ts';
import { type Bench, benchOf } from './bench-of.ts';
import { type OauthRig, startOauthRig } from './oauth.rig.ts';
import { environment, rigConnectorId } from './rig.ts';

const started: OauthRig[] = [];
afterAll(async () => {
  await Promise.all(started.map((rig) => rig.stop()));
});

export async function startOn(
  ...options: Parameters<typeof startOauthRig>
): Promise<{ readonly rig: OauthRig; readonly bench: Bench }> {
  const rig = await startOauthRig(...options);
  started.push(rig);
  return { rig, bench: benchOf('oauth', rig) };
}

/** The same connector with another clock, and its block of estop.yaml changed. */
export function connectorOf(rig: OauthRig, now: () => Date, change: Readonly<Record<string, unknown>> = {}): Connector {
  return oauth.create(oauthOptions.parse({ ...(rig.options as object), ...change }), {
    connectorId: rigConnectorId,
    environment,
    now,
    readSecret: (reference) => ('env' in reference ? (rig.secrets[reference.env] ?? '') : ''),
  });
}
