import { ToolDefinitionPage, ToolPath } from '../../contract/http/tools.ts';
import { EstopError } from '../../core/errors.ts';
import { readToolPins } from '../../store/tool-pins.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showTool } from '../show-tool.ts';

export const getTool = defineEndpoint({
  method: 'get',
  path: '/v1/tools/{id}',
  id: 'getTool',
  summary: 'Every definition of one tool on record, oldest first',
  permission: 'tool:read',
  input: { path: ToolPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'All of them', schema: ToolDefinitionPage }],
  problems: ['unknown-tool'],
  handle: async ({ path }, _request, deps) => {
    const pins = await readToolPins(deps.store, path.id);
    if (pins.length === 0) throw new EstopError('unknown-tool');
    const items = pins.map((pin) => ({ ...showTool(pin, deps.config.current()), definition: pin.definition }));
    return { status: 200, body: { items, next: null } };
  },
});
