import { errorCodeOf } from '../../core/errors.ts';
import type { CallContext, SelfCheck } from '../kit/contract.ts';
import { explain } from '../kit/results.ts';
import { isSelfContained } from './held-token.ts';
import type { ClientIdentity, Issuer, RegisteredClient } from './issuer.ts';
import type { OauthOptions } from './options.ts';
import { tokenIn } from './replies.ts';

export interface Rehearsal {
  readonly issuer: Issuer;
  readonly options: OauthOptions;
  readonly control: () => ClientIdentity;
  /** Of the client that lives through it. */
  readonly name: string;
  readonly context: CallContext;
}

interface Finding {
  readonly severe: boolean;
  readonly text: string;
}

const severe = (text: string): Finding => ({ severe: true, text });
const remark = (text: string): Finding => ({ severe: false, text });

/** A whole life of a client, from its registration to its end: what an issuer does not do is better known before a stop. */
export async function rehearse(rehearsal: Rehearsal): Promise<SelfCheck> {
  const findings = [...(await tryControl(rehearsal)), ...(await tryClient(rehearsal))];
  if (rehearsal.options.resourceUrl === undefined)
    findings.push(remark('No resourceUrl: probes are issuer-attested only.'));
  return { ok: findings.every((finding) => !finding.severe), findings: findings.map(({ text }) => text) };
}

async function tryControl({ issuer, control, context }: Rehearsal): Promise<readonly Finding[]> {
  const right = await issuer.mintRight(control(), undefined, context);
  return right === 'yes' ? [] : [severe(`The control client cannot mint a token (${right}).`)];
}

async function tryClient(rehearsal: Rehearsal): Promise<readonly Finding[]> {
  const { issuer, name, context } = rehearsal;
  let client: RegisteredClient;
  try {
    client = await issuer.register(name, undefined, context);
  } catch (thrown) {
    const hint = errorCodeOf(thrown) === 'connector-refused' ? ' Is the initial access token still good?' : '';
    return [severe(`Registering a client fails: ${explain(thrown).why}${hint}`)];
  }
  const { accessToken } = tokenIn(await issuer.mint(client, undefined, context));
  // It would outlive its client.
  await issuer.revoke(client, accessToken, context);
  const findings = [
    ...(isSelfContained(accessToken)
      ? [
          remark(
            'Access tokens are self-contained: what a stop cuts off is accepted to its end, and is reported as residual.',
          ),
        ]
      : []),
    ...(await tryStrip(rehearsal, client)),
  ];
  const removed = await issuer.remove(client, context);
  if (removed.status === 204) return findings;
  return [
    ...findings,
    severe(
      `A client cannot be deleted after it was changed (${removed.status}): does the issuer rotate registration tokens?`,
    ),
  ];
}

async function tryStrip({ issuer, name, context }: Rehearsal, client: RegisteredClient): Promise<readonly Finding[]> {
  await issuer.strip(client, name, context);
  const right = await issuer.mintRight(client, undefined, context);
  return right === 'not-allowed'
    ? []
    : [severe(`A client without grant types can still mint tokens, or it cannot be told (${right}).`)];
}
