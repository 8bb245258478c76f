import type { GrantCredential, SecretAt, ToolServerSpec } from '../../contract/config.ts';
import { toolGrantName } from '../../contract/tool-grant.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { connectorKey } from '../../core/scope-key.ts';
import { isAsListed, listedGrant } from '../grants/listed-grant.ts';
import { obtainGrant } from '../grants/obtain-grant.ts';
import { secretIn } from '../grants/secret-in.ts';
import { isListMethod } from '../mcp/methods.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { Credential } from '../secrets/credential.ts';
import { isRecord } from '../upstream/read-reply.ts';
import { bearerOf, fenceDenial } from './fence.ts';

/**
 * What the upstream is called with, read now: before ADMIT, so that neither an approval nor a budget is spent on a call that cannot
 * be made. The agent never has it. A credential that is missing, does not open, or stands for several agents denies, in words that
 * hold neither its value nor where it lies.
 */
export const takeCredential: Check = (passage) => takeFor(passage, known(passage.facts.tool).server.spec);

/** The same for what is no tool call. A list carries no word of the agent's: the gateway asks for it in its own name. */
export const takeReachCredential: Check = async (passage): Promise<Verdict> => {
  const { asked, facts } = passage;
  if (!('method' in asked)) return denied('internal');
  const [reach] = known(facts.reaches);
  return isListMethod(asked.method) || reach === undefined ? undefined : takeFor(passage, reach.server.spec);
};

async function takeFor(passage: Passage, spec: ToolServerSpec): Promise<Verdict> {
  if (spec.grant !== undefined) return takeGrant(passage, spec.serverId, spec.grant);
  const { agentId } = known(passage.facts.claims);
  const references = referencesOf(spec, agentId);
  if (references === undefined) return denied('credential-unavailable');
  const values: string[] = [];
  for (const reference of references) {
    const value = await valueOf(passage, reference);
    if (value === undefined) return denied('credential-unavailable');
    if (passage.host.secrets.isWronglyShared(value, agentId)) return denied('credential-shared');
    values.push(value);
  }
  const [value] = values;
  try {
    // A process has what it needs in its environment.
    passage.facts.credential = spec.process !== undefined || value === undefined ? null : new Credential(value);
    return undefined;
  } catch (thrown) {
    return unavailable(passage, thrown);
  }
}

/** Issued to this task at its first call. Read for every call: the store says each time whether it is still alive. */
async function takeGrant(passage: Passage, serverId: string, { connector, field }: GrantCredential): Promise<Verdict> {
  const { facts, host } = passage;
  // What is reached for is known by now, and the connector before there is a grant: under a stop of either none is asked for.
  const { keys, ...bearer } = bearerOf(passage);
  const denial = fenceDenial(host.fence.check({ ...bearer, keys: [...keys, connectorKey(connector)] }), false);
  if (denial !== undefined) return denial;
  const grant = await obtainGrant(passage, toolGrantName(serverId), true);
  if ('denial' in grant) return grant.denial;
  const listed = listedGrant(passage, toolGrantName(serverId));
  try {
    const secret = secretIn(host.sealer.open(grant.sealed, grant.grantId));
    const value = isRecord(secret) && Object.hasOwn(secret, field) ? secret[field] : undefined;
    if (listed === undefined || !isAsListed(grant, listed) || typeof value !== 'string')
      throw new EstopError('secret-missing');
    facts.credential = new Credential(value, connector);
    return undefined;
  } catch (thrown) {
    return unavailable(passage, thrown);
  }
}

/** Undefined: others have one here, and this agent has none. */
function referencesOf(
  { process, credential, credentials }: ToolServerSpec,
  agentId: string,
): readonly SecretAt[] | undefined {
  if (process !== undefined) return Object.values(process.env).filter((value) => typeof value !== 'string');
  if (credentials === undefined) return credential === undefined ? [] : [credential];
  const own = Object.hasOwn(credentials, agentId) ? credentials[agentId] : undefined;
  return own === undefined ? undefined : [own];
}

async function valueOf(passage: Passage, reference: SecretAt): Promise<string | undefined> {
  const { secrets } = passage.host;
  try {
    await secrets.ready(reference);
    return secrets.read(reference);
  } catch (thrown) {
    unavailable(passage, thrown);
    return undefined;
  }
}

function unavailable({ host, facts }: Passage, thrown: unknown): Verdict {
  const server = facts.tool?.server.spec.serverId ?? facts.reaches?.[0]?.server.spec.serverId;
  host.log.warn(
    { event: 'credential.unavailable', server, code: errorCodeOf(thrown) },
    'the credential of an upstream cannot be read; what is asked of it is denied',
  );
  return denied('credential-unavailable');
}
