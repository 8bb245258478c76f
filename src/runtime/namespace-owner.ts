import type { Connection } from '@temporalio/client';
import { EstopError } from '../core/errors.ts';

type Service = Pick<Connection, 'workflowService'>;

const mark = 'estop-environment';

/**
 * A namespace has one environment. In one that two shared, their workers would take each other's tasks, and the sweep of a stop would
 * end what only the other's ledger knows. That cannot be told by the ids: who runs what nobody registered may call it what they like.
 */
export async function claimNamespace(connection: Service, namespace: string, environment: string): Promise<void> {
  if ((await ownerOf(connection, namespace)) === undefined)
    await connection.workflowService.updateNamespace({ namespace, updateInfo: { data: { [mark]: environment } } });
  refuseForeign(namespace, await ownerOf(connection, namespace), environment);
}

/** Says nothing where the right to look is missing: that is no reason to leave a stop without workers. */
export async function refuseForeignNamespace(
  connection: Service,
  namespace: string,
  environment: string,
): Promise<void> {
  refuseForeign(namespace, await ownerOf(connection, namespace).catch(() => undefined), environment);
}

function refuseForeign(namespace: string, owner: string | undefined, environment: string): void {
  if (owner === undefined || owner === environment) return;
  throw new EstopError('config-invalid', {
    detail: `The namespace ${namespace} of this Temporal belongs to environment ${owner}: give environment ${environment} a Temporal of its own.`,
  });
}

async function ownerOf({ workflowService }: Service, namespace: string): Promise<string | undefined> {
  return (await workflowService.describeNamespace({ namespace })).namespaceInfo?.data?.[mark];
}
