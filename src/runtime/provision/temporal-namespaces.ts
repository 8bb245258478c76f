import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { namespaces } from '../../contract/names.ts';
import { directly, type TemporalSecurity } from '../../contract/temporal-security.ts';
import { EstopError } from '../../core/errors.ts';
import { searchAttributeTypes } from '../local/temporal-server.ts';
import { claimNamespace } from '../namespace-owner.ts';

export interface TemporalProvision {
  readonly environment: string;
  readonly address: string;
  readonly security?: TemporalSecurity;
  /** How long a closed workflow can be read. The ledger is in the store; histories are for people. */
  readonly retentionDays: number;
  readonly patienceMs: number;
  readonly onProgress: (line: string) => void;
}

const alreadyExists = 6;
const betweenTriesMs = 500;
const { IndexedValueType } = proto.temporal.api.enums.v1;
const typeNumbers = {
  Int: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
};

/** Both namespaces with their search attributes, made where they are missing; returns once the server knows them. */
export async function provisionTemporal(provision: TemporalProvision): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  const giveUpAt = Date.now() + provision.patienceMs;
  const connection = await patiently(giveUpAt, () =>
    Connection.connect({
      address: provision.address,
      ...provision.security,
      connectTimeout: '5s',
      channelArgs: directly,
    }),
  );
  try {
    for (const namespace of Object.values(namespaces)) {
      if (await ensureNamespace(connection, namespace, provision.retentionDays))
        provision.onProgress(`made ${namespace}`);
      // A new namespace is not known to every part of the server at once.
      const added = await patiently(giveUpAt, () => ensureSearchAttributes(connection, namespace));
      if (added.length > 0) provision.onProgress(`${namespace} has the search attributes ${added.join(', ')}`);
      await patiently(giveUpAt, () => confirm(connection, namespace));
      await patiently(giveUpAt, () => claimNamespace(connection, namespace, provision.environment));
    }
  } finally {
    await connection.close();
  }
}

/** True if it was not there. */
async function ensureNamespace(connection: Connection, namespace: string, retentionDays: number): Promise<boolean> {
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      description: 'Made by estop.',
      workflowExecutionRetentionPeriod: proto.google.protobuf.Duration.fromObject({ seconds: retentionDays * 86_400 }),
    });
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === alreadyExists) return false;
    throw unavailable(`registering ${namespace}`, thrown);
  }
}

async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<readonly string[]> {
  const known = await listSearchAttributes(connection, namespace);
  const missing = Object.entries(searchAttributeTypes).filter(([name]) => !Object.hasOwn(known, name));
  for (const [name, type] of Object.entries(searchAttributeTypes)) {
    if (!Object.hasOwn(known, name) || known[name] === typeNumbers[type]) continue;
    throw new EstopError('config-invalid', {
      detail: `${namespace} has a search attribute ${name} that is no ${type}`,
    });
  }
  if (missing.length === 0) return [];
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, typeNumbers[type]])),
  });
  return missing.map(([name]) => name);
}

async function confirm(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.describeNamespace({ namespace });
  const known = await listSearchAttributes(connection, namespace);
  const missing = Object.keys(searchAttributeTypes).filter((name) => !Object.hasOwn(known, name));
  if (missing.length > 0) throw new Error(`${namespace} lacks ${missing.join(', ')}`);
}

async function listSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<Readonly<Record<string, number>>> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return customAttributes ?? {};
}

/** A refusal of ours is final; whatever else happens may be a server that is still coming up. */
async function patiently<Result>(giveUpAt: number, attempt: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      if (codeOf(thrown) === 'config-invalid') throw thrown;
      if (Date.now() > giveUpAt) throw unavailable('the server does not get ready', thrown);
      await sleep(betweenTriesMs);
    }
  }
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
}

function unavailable(what: string, cause: unknown): EstopError {
  return new EstopError('temporal-unavailable', { detail: what, cause });
}
