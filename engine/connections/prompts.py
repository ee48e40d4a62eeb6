"""How programs ask for a password, in the languages of their users. Regular expressions for a prompt at the end of what was said."""
from __future__ import annotations

import re

WORDS = (
    "Password", "Passwort", "Kennwort", "Mot de passe", "Contraseña", "Clave", "Senha", "Palavra-passe",
    "Parola d'ordine", "Parola", "Parolă", "Contrasenya", "Pasahitza", "Contrasinal", "Wachtwoord",
    "Lösenord", "Adgangskode", "Passord", "Salasana", "Parool", "Parole", "Slaptažodis", "Hasło", "Heslo",
    "Jelszó", "Geslo", "Zaporka", "Lozinka", "Лозинка", "Пароль", "Парола", "Κωδικός", "Συνθηματικό", "Şifre",
    "סיסמה", "كلمة السر", "كلمة المرور", "पासवर्ड", "รหัสผ่าน", "Mật khẩu", "Kata sandi", "Katalaluan",
    "パスワード", "암호", "비밀번호", "密码", "密碼", "口令",
)
"""The word for it, as PAM and the tools of shadow and util-linux translate it."""


def password_prompt() -> str:
    """One expression for any of the words, with whose password it is around it, at the end and before a colon."""
    return "(?i)(?:" + "|".join(re.escape(word) for word in WORDS) + r")[^\n:：]{0,80}\s?[:：]\s*\Z"


def exactly(prompt: str) -> str:
    """The expression for a prompt of our own making."""
    return re.escape(prompt.rstrip()) + r"\s*\Z"
