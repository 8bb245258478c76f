import { ToolPinPage, ToolQuery } from '../../contract/http/tools.ts';
import { listToolPins } from '../../store/tool-pins.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showTool } from '../show-tool.ts';

export const listTools = defineEndpoint({
  method: 'get',
  path: '/v1/tools',
  id: 'listTools',
  summary: 'The definitions of upstream tools on record, without their texts',
  permission: 'tool:read',
  input: { path: nothing, query: ToolQuery, body: nothing },
  answers: [{ status: 200, description: 'All of them', schema: ToolPinPage }],
  problems: [],
  handle: async ({ query }, _request, deps) => {
    const pins = await listToolPins(deps.store, query.state === undefined ? {} : { state: query.state });
    return { status: 200, body: { items: pins.map((pin) => showTool(pin, deps.config.current())), next: null } };
  },
});
