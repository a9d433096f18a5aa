import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { commands, type Organization, type OrganizationRequest, type OrganizationUpdate } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'
import { useSession } from '@/session'

/** The tree of organizations that the person at this desk may see. */
export function useOrganizations() {
  return useQuery({ queryKey: ['organizations'], queryFn: () => call(commands.listOrganizations()) })
}

/** The organization whose workspace is open, and what may be done in it. */
export function useCurrentOrganization() {
  const session = useSession()
  const { data } = useOrganizations()
  const organization = computed<Organization | null>(() => {
    const list = data.value ?? []
    return list.find(other => other.id === session.organizationId) ?? list.find(other => !other.archivedAt) ?? list[0] ?? null
  })
  const organizationId = computed(() => organization.value?.id ?? '')

  return { organization, organizationId, allowed }

  function allowed(permission: string) {
    return organization.value?.permissions.includes(permission) ?? false
  }
}

/** The organization's colours as CSS. */
export function useStylesheet() {
  const { organizationId } = useCurrentOrganization()
  return useQuery({
    queryKey: computed(() => ['stylesheet', organizationId.value]),
    queryFn: () => call(commands.getStylesheet(organizationId.value)),
    enabled: computed(() => organizationId.value !== ''),
  })
}

export const organizationCommands = {
  create: (request: OrganizationRequest) => call(commands.createOrganization(request)),
  update: (id: string, request: OrganizationUpdate) => call(commands.updateOrganization(id, request)),
  archive: (id: string) => call(commands.archiveOrganization(id)),
}
