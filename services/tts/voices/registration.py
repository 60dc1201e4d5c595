"""What a client sends to register a voice."""

from dataclasses import dataclass

from services.tts.voices.record import StoredVoice, VoiceRecord, check_id, digest
from services.tts.voices.reference import Checked
from shared.errors import ConsentRequired


@dataclass(frozen=True, slots=True)
class Registration:
    """A recording and what is said of it."""

    voice_id: str
    recording: bytes
    """An audio file."""
    consent: bool
    replace: bool = False
    name: str | None = None
    language: str | None = None

    def check(self, *, require_consent: bool) -> None:
        """See that a voice may be made of it, before its recording is listened to.

        Raises:
            InvalidRequest: the id will not do.
            ConsentRequired: the client did not say that the speaker agreed.
        """
        check_id(self.voice_id)
        if require_consent and not self.consent:
            raise ConsentRequired(
                "a voice may be registered only with its speaker's consent: send `consent: true`",
                param="consent",
            )

    def voice(self, owner: str, sound: Checked, now: float) -> StoredVoice:
        """The voice that it asks for.

        Args:
            sound: of the recording.
            now: seconds since 1970.
        """
        record = VoiceRecord(
            voice_id=self.voice_id,
            owner=owner,
            name=self.name or self.voice_id,
            language=self.language,
            duration_s=round(sound.seconds, 3),
            digest=digest(sound.samples),
            consent=self.consent,
            created_at=now,
        )
        return StoredVoice(record, sound.samples)
