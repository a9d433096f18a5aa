import { type MaybeRefOrGetter, toValue } from 'vue'
import { commands, type ServerRequest } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'
import { useScoped } from './scoped'

/** The servers of the open organization, with their latest readings patched in as they come. */
export function useServers() {
  return useScoped(['servers'], id => call(commands.listServers(id)))
}

/** One server's readings of the last hour, appended to as they come. */
export function useSamples(serverId: MaybeRefOrGetter<string>) {
  return useScoped(() => ['samples', toValue(serverId)], id => call(commands.listSamples(id, toValue(serverId), 60)), { enabled: () => toValue(serverId) !== '' })
}

export const serverCommands = {
  register: (organizationId: string, request: ServerRequest) => call(commands.registerServer(organizationId, request)),
  update: (organizationId: string, id: string, request: ServerRequest) => call(commands.updateServer(organizationId, id, request)),
  verify: (organizationId: string, id: string) => call(commands.verifyServer(organizationId, id)),
  acceptHostKey: (organizationId: string, id: string, fingerprint: string) => call(commands.acceptHostKey(organizationId, id, fingerprint)),
  remove: (organizationId: string, id: string) => call(commands.removeServer(organizationId, id)),
  chart: (organizationId: string, id: string, dark: boolean) => call(commands.getMetricsChart(organizationId, id, 60, dark)),
}
