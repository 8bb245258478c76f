/** A backend service starts an agent's task and waits for its end. ESTOP_CONTROL_URL and ESTOP_TOKEN say where and as whom. */
import { createEstop } from '../src/sdk/index.ts';

const estop = createEstop();
const task = await estop.tasks.start({ agentId: 'billing-bot', prompt: 'Pay invoice 4711.' });
const closed = await estop.tasks.wait(task.taskId);
console.log(`${closed.taskId} ended: ${closed.outcome}`);
