import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { commands, type Settings, type SetUpRequest } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'

/** Version, data directory and the state of the vault. */
export function useStatus() {
  return useQuery({ queryKey: ['status'], queryFn: () => call(commands.getAppStatus()) })
}

/** The settings of this installation. */
export function useSettings() {
  return useQuery({ queryKey: ['settings'], queryFn: () => call(commands.getSettings()) })
}

/** The Terraform or OpenTofu that runs would use. */
export function useTerraform() {
  return useQuery({ queryKey: ['terraform'], queryFn: () => call(commands.findTerraform()), retry: false })
}

/** What can be done to the installation as a whole. */
export function useInstallation() {
  const client = useQueryClient()
  return { setUp, unlock, lock, saveSettings }

  async function setUp(request: SetUpRequest) {
    const organization = await call(commands.setUp(request))
    await client.invalidateQueries()
    return organization
  }

  async function unlock(passphrase: string | null) {
    await call(commands.unlockVault(passphrase))
    await client.invalidateQueries({ queryKey: ['status'] })
    await client.invalidateQueries({ queryKey: ['organizations'] })
  }

  async function lock() {
    await call(commands.lockVault())
    client.removeQueries({ predicate: ({ queryKey }) => !['status', 'settings'].includes(String(queryKey[0])) })
    await client.invalidateQueries({ queryKey: ['status'] })
  }

  async function saveSettings(settings: Settings) {
    client.setQueryData(['settings'], await call(commands.updateSettings(settings)))
  }
}
