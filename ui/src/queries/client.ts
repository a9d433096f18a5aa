import { QueryClient } from '@tanstack/vue-query'
import { failureOf } from '@/ipc/call'

/**
 * The window's cache of what the core knows.
 *
 * Nothing is fetched again by the clock or by focus: the core says what
 * changed. A failed read is tried once more only where the core says that
 * the same request may succeed later.
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      /* What comes from the core is replaced, never edited: deep reactivity over 1,000 servers would cost a second. */
      shallow: true,
      staleTime: Infinity,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      networkMode: 'always',
      retry: (failures, error) => {
        const { code, retry } = failureOf(error)
        return failures < 1 && retry && code !== 'vault_locked'
      },
      retryDelay: 400,
    },
    mutations: { networkMode: 'always', retry: false },
  },
})
