import { AcceptTool, ToolPath, ToolPin } from '../../contract/http/tools.ts';
import { EstopError } from '../../core/errors.ts';
import { acceptTool as accept, readToolPins } from '../../store/tool-pins.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showTool } from '../show-tool.ts';

/** By hash, so that nothing can be put in the place of what was looked at. */
export const acceptTool = defineEndpoint({
  method: 'post',
  path: '/v1/tools/{id}:accept',
  id: 'acceptTool',
  summary: 'Let exactly this definition of a tool be called; all others of it are refused',
  permission: 'tool:accept',
  underElevation: 'refused',
  input: { path: ToolPath, query: nothing, body: AcceptTool },
  answers: [{ status: 200, description: 'Every gateway knows of it within a second', schema: ToolPin }],
  problems: ['unknown-tool'],
  handle: async ({ path, body }, request, deps) => {
    const [serverId = '', tool = ''] = path.id.split('/');
    const acceptance = { serverId, tool, hash: body.hash, reason: body.reason, actor: request.identity.actor };
    if (!(await accept(deps.store, acceptance))) throw new EstopError('unknown-tool');
    const pin = (await readToolPins(deps.store, path.id)).find(({ hash }) => hash === body.hash);
    if (pin === undefined) throw new EstopError('unknown-tool');
    return { status: 200, body: showTool(pin, deps.config.current()) };
  },
});
