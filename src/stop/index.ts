export { type StopServer, type StopServerDeps, startStopServer } from './server.ts';
