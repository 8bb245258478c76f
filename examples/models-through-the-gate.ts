/** A model that is called through the gate: any client of the OpenAI protocol, with the task token where its key goes. */
import OpenAI from 'openai';

const { ESTOP_GATEWAY_URL: gateway, ESTOP_TASK_TOKEN: taskToken = '' } = process.env;
const messages = [{ role: 'user' as const, content: 'Say hello.' }];

const openai = new OpenAI({ baseURL: `${gateway}/v1`, apiKey: taskToken });
const answer = await openai.chat.completions.create({ model: 'small', messages, stream: true }); // `small` of estop.yaml
for await (const { choices } of answer) process.stdout.write(choices[0]?.delta.content ?? '');
