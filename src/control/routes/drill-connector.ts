import { ConnectorPath, DrillAsked } from '../../contract/http/connectors.ts';
import { EstopError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { askDrill } from '../../store/drills.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

/** Written down, and begun from there: the answer does not wait for what it takes. */
export const drillConnector = defineEndpoint({
  method: 'post',
  path: '/v1/connectors/{id}:drill',
  id: 'drillConnector',
  summary: 'Have a connector issue a credential, cut it off and prove it dead',
  permission: 'connector:drill',
  underElevation: 'allowed',
  input: { path: ConnectorPath, query: nothing, body: nothing },
  answers: [
    { status: 202, description: 'It begins; `lastDrill` of the connector says what came of it', schema: DrillAsked },
  ],
  problems: ['not-found', 'conflict'],
  handle: async ({ path }, { identity, seed }, deps) => {
    const known = deps.config.current().connectors.some(({ connectorId }) => connectorId === path.id);
    if (!known) throw new EstopError('not-found', { detail: 'estop.yaml configures no such connector.' });
    const drill = { taskId: formatId('task', deps.environment, seed(0)), connectorId: path.id };
    if ((await askDrill(deps.store, { ...drill, actor: identity.actor })) === 'busy')
      throw new EstopError('conflict', { detail: 'A drill of this connector is under way.' });
    return { status: 202, body: drill };
  },
});
