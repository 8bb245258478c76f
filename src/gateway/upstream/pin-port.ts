import type { SeenTool, ToolStandings } from '../../store/tool-pins.ts';

/** What a gateway needs of the record of tools. An empty listing only asks. */
export interface PinPort {
  note(serverId: string, seen: readonly SeenTool[]): Promise<ToolStandings>;
}
