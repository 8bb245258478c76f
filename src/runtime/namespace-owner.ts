import type { Connection } from '@temporalio/client';
import { namespaces } from '../contract/names.ts';
import { directly } from '../contract/temporal-security.ts';
import { EstopError } from '../core/errors.ts';

type Service = Pick<Connection, 'workflowService'>;

const mark = 'estop-environment';
const claimMs = 30_000;

/**
 * A namespace has one environment. In one that two shared, their workers would take each other's tasks, and the sweep of a stop would
 * end what only the other's ledger knows. That cannot be told by the ids: who runs what nobody registered may call it what they like.
 */
export async function claimNamespace(connection: Service, namespace: string, environment: string): Promise<void> {
  if ((await ownerOf(connection, namespace)) === undefined)
    await connection.workflowService.updateNamespace({ namespace, updateInfo: { data: { [mark]: environment } } });
  refuseForeign(namespace, await ownerOf(connection, namespace), environment);
}

/** Both, of a server that is ours alone: from then on whoever comes by from another environment is refused. */
export async function claimNamespaces(address: string, environment: string): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: '5s', channelArgs: directly });
  try {
    await connection.withDeadline(Date.now() + claimMs, () =>
      Promise.all(Object.values(namespaces).map((namespace) => claimNamespace(connection, namespace, environment))),
    );
  } finally {
    await connection.close();
  }
}

/** `config-invalid` where it is another's. Whatever keeps the mark from being read is thrown as it is: nothing is known, so ask again. */
export async function refuseForeignNamespace(
  connection: Service,
  namespace: string,
  environment: string,
): Promise<void> {
  refuseForeign(namespace, await ownerIfShown(connection, namespace), environment);
}

/** Of one that works in both. */
export async function refuseForeignNamespaces(connection: Service, environment: string): Promise<void> {
  await Promise.all(
    Object.values(namespaces).map((namespace) => refuseForeignNamespace(connection, namespace, environment)),
  );
}

function refuseForeign(namespace: string, owner: string | undefined, environment: string): void {
  if (owner === undefined || owner === environment) return;
  throw new EstopError('config-invalid', {
    detail: `The namespace ${namespace} of this Temporal belongs to environment ${owner}: give environment ${environment} a Temporal of its own.`,
  });
}

/** gRPC: not found, permission denied, unimplemented, unauthenticated. */
const notShown: readonly unknown[] = [5, 7, 12, 16];

/** Where the right to look is missing nothing is said: that is no reason to leave a stop without workers. */
async function ownerIfShown(connection: Service, namespace: string): Promise<string | undefined> {
  try {
    return await ownerOf(connection, namespace);
  } catch (thrown) {
    if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && notShown.includes(thrown.code))
      return undefined;
    throw thrown;
  }
}

async function ownerOf({ workflowService }: Service, namespace: string): Promise<string | undefined> {
  return (await workflowService.describeNamespace({ namespace })).namespaceInfo?.data?.[mark];
}
