export { type Gateway, type GatewayDeps, startGateway } from './server.ts';
