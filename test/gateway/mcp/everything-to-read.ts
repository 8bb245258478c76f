import { inputRequired, type McpServer, ResourceTemplate, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';

export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const named = z.object({ name: z.string() });
export const question = inputRequired.elicit({ message: 'What is your name?', requestedSchema: named });

export function resources(server: McpServer): void {
  const plain = (name: string, words: string): void => {
    const uri = `test://${name}`;
    server.registerResource(name, uri, { description: name, mimeType: 'text/plain' }, () => ({
      contents: [{ uri, mimeType: 'text/plain', text: words }],
    }));
  };
  plain('static-text', 'This is the content of the static text resource.');
  plain('watched-resource', 'Watched resource content');
  server.registerResource('static-binary', 'test://static-binary', { mimeType: 'image/png' }, () => ({
    contents: [{ uri: 'test://static-binary', mimeType: 'image/png', blob: pixel }],
  }));
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { mimeType: 'application/json' },
    (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
}

export function prompts(server: McpServer): void {
  const said = (content: object) => ({ role: 'user' as const, content: content as never }); // the suite's own shapes
  const words = (line: string) => said({ type: 'text', text: line });
  server.registerPrompt('test_simple_prompt', { description: 'Simple.' }, () => ({
    messages: [words('This is a simple prompt for testing.')],
  }));
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With arguments.', argsSchema: z.object({ arg1: z.string(), arg2: z.string() }) },
    ({ arg1, arg2 }) => ({ messages: [words(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource.', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({
      messages: [
        said({ type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded.' } }),
        words('Please process the embedded resource above.'),
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'With an image.' }, () => ({
    messages: [said({ type: 'image', data: pixel, mimeType: 'image/png' }), words('Please analyze the image above.')],
  }));
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks.' }, (context: ServerContext) => {
    const given = context.mcpReq.inputResponses ?? {};
    if (Object.keys(given).length === 0) return inputRequired({ inputRequests: { user_context: question } });
    return { messages: [words(`With ${JSON.stringify(given)}`)] };
  });
}
