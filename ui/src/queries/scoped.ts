import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { useCurrentOrganization } from './organizations'

/**
 * Reads something of the open organization.
 *
 * The organization's id leads the key: switching clients can't show the
 * other one's data, not even for a frame.
 */
export function useScoped<T>(key: MaybeRefOrGetter<readonly string[]>, read: (organizationId: string) => Promise<T>, options: { enabled?: MaybeRefOrGetter<boolean>, retry?: false } = {}) {
  const { organizationId } = useCurrentOrganization()
  return useQuery<T>({
    queryKey: computed(() => [organizationId.value, ...toValue(key)]),
    queryFn: () => read(organizationId.value),
    enabled: computed(() => organizationId.value !== '' && toValue(options.enabled ?? true)),
    ...(options.retry === false && { retry: false }),
  })
}
