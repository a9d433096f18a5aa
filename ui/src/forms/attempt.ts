import { useToast } from '@nuxt/ui/composables'
import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { PRESENTATION } from '@/errors/presentation'
import { sentence } from '@/errors/sentence'
import { failureOf } from '@/ipc/call'

/** Runs single actions (a button, a menu entry), and says in a toast why one failed. */
export function useAttempt() {
  const { t } = useI18n()
  const toast = useToast()
  const busy = ref<string | null>(null)

  return { busy, attempt }

  /** Runs `action` unless one is under way; returns what it returned, or null. */
  async function attempt<T>(name: string, action: () => Promise<T>, done?: string): Promise<T | null> {
    if (busy.value !== null) return null
    busy.value = name
    try {
      const result = await action()
      if (done) toast.add({ title: done, icon: 'i-lucide-check', color: 'success' })
      return result
    }
    catch (thrown) {
      const { code, message, hint } = failureOf(thrown)
      const { severity, icon } = PRESENTATION[code]
      toast.add({ title: t(`errors.${code}.title`), description: hint ? `${sentence(message)} ${sentence(hint)}` : sentence(message), icon, color: severity })
      return null
    }
    finally {
      busy.value = null
    }
  }
}
