import { useQuery } from '@tanstack/vue-query'
import { type MaybeRefOrGetter, toValue } from 'vue'
import { commands, type CredentialRequest } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'
import { useScoped } from './scoped'

/** The credentials of the open organization; never their secrets. */
export function useCredentials() {
  return useScoped(['credentials'], id => call(commands.listCredentials(id)))
}

/** Which fields each provider asks for. */
export function useProviderForms() {
  return useQuery({ queryKey: ['provider-forms'], queryFn: () => call(commands.listProviderForms()) })
}

/** Regions, sizes and images that a credential can order. */
export function useCatalog(credentialId: MaybeRefOrGetter<string>) {
  return useScoped(() => ['catalog', toValue(credentialId)], id => call(commands.getCatalog(id, toValue(credentialId))), { enabled: () => toValue(credentialId) !== '', retry: false })
}

export const credentialCommands = {
  create: (organizationId: string, request: CredentialRequest) => call(commands.createCredential(organizationId, request)),
  generate: (organizationId: string, name: string) => call(commands.generateSshKey(organizationId, name)),
  test: (organizationId: string, id: string) => call(commands.testCredential(organizationId, id)),
  remove: (organizationId: string, id: string) => call(commands.deleteCredential(organizationId, id)),
}
