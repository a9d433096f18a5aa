import { type MaybeRefOrGetter, toValue } from 'vue'
import { type ApplicationRequest, commands } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'
import { useScoped } from './scoped'

const LOG_LINES = 500

/** The applications of the open organization. */
export function useApplications() {
  return useScoped(['applications'], id => call(commands.listApplications(id)))
}

/** One application with its releases and deployments, newest first. */
export function useApplication(applicationId: MaybeRefOrGetter<string>) {
  return useScoped(() => ['applications', toValue(applicationId)], id => call(commands.getApplication(id, toValue(applicationId))))
}

/** The last lines that an application's container wrote on a server. */
export function useContainerLog(applicationId: MaybeRefOrGetter<string>, serverId: MaybeRefOrGetter<string>) {
  return useScoped(() => ['container-log', toValue(applicationId), toValue(serverId)], id => call(commands.getContainerLog(id, toValue(applicationId), toValue(serverId), LOG_LINES)), { enabled: () => toValue(serverId) !== '', retry: false })
}

export const applicationCommands = {
  create: (organizationId: string, request: ApplicationRequest) => call(commands.createApplication(organizationId, request)),
  update: (organizationId: string, id: string, request: ApplicationRequest) => call(commands.updateApplication(organizationId, id, request)),
  deploy: (organizationId: string, id: string, image: string) => call(commands.deployApplication(organizationId, id, image)),
  rollBack: (organizationId: string, id: string, releaseId: string) => call(commands.rollBackApplication(organizationId, id, releaseId)),
  remove: (organizationId: string, id: string, confirmName: string) => call(commands.removeApplication(organizationId, id, confirmName)),
  open: (organizationId: string, id: string, serverId: string) => call(commands.openAddress(organizationId, id, serverId)),
}
