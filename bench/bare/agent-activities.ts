import { keepAlive } from '../programs/keep-alive.ts';

export interface BareMessage {
  readonly role: string;
  readonly content: string | null;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
}

export interface BareActivities {
  callModel(messages: readonly BareMessage[]): Promise<BareMessage>;
  callTool(name: string, input: object): Promise<string>;
}

interface Places {
  readonly modelUrl: string;
  readonly toolsUrl: string;
}

/** The least that asks the scripted model and calls the tool: one request each, over connections that stay open. */
export function createBareActivities({ modelUrl, toolsUrl }: Places): BareActivities {
  const ask = keepAlive('scripted', 16);
  return {
    callModel: async (messages) => {
      const { status, text } = await ask('POST', `${modelUrl}/chat/completions`, { model: 'steps', messages });
      if (status !== 200) throw new Error(`the model answered ${status}`);
      const { choices } = JSON.parse(text) as { choices: readonly { message: BareMessage }[] }; // our scripted model
      const [choice] = choices;
      if (choice === undefined) throw new Error('the model gave no choice');
      return choice.message;
    },
    callTool: async (name, input) => {
      const { status, text } = await ask('POST', toolsUrl, {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: name.replace(/^billing__/, ''), arguments: input },
      });
      if (status !== 200 || text.includes('"isError":true')) throw new Error(`the tool answered ${status}: ${text}`);
      return text;
    },
  };
}
